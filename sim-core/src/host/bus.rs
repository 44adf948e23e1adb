//! The bus: reset, suspend, resume, the cable, frames.

use super::{Host, HostError, Step};

/// What a reset takes, in milliseconds: 10 driven, 10 to recover (USB 2.0 7.1.7.5).
const RESET_MS: u64 = 20;

/// What the bus is idle for before a device counts as suspended, in milliseconds (USB 2.0 7.1.7.6).
const SUSPEND_MS: u64 = 3;

/// How long a host waits for a device to notice a reset or a new address, in milliseconds (USB 2.0 9.2.6.2, 9.2.6.3: 10
/// and 2; Linux: 10 and more).
const SETTLE_MS: u64 = 10;

/// How long the host drives resume, in milliseconds (USB 2.0 7.1.7.7).
const RESUME_MS: u64 = 20;

impl Host {
    /// Waits for a device to pull D+ up, and resets the bus. The device is at address 0, with nothing configured.
    ///
    /// # Errors
    ///
    /// [`HostError::NoDevice`].
    pub async fn reset(&mut self) -> Result<(), HostError> {
        self.address = 0;
        self.suspended = false;
        self.pipes.reset();
        self.carry(&Step::Reset).await?;
        self.clock.skip_ms(RESET_MS);
        Ok(())
    }

    /// Leaves the bus idle: the device finds itself suspended after 3 ms. The script may not send until
    /// [`resume`](Self::resume) or [`reset`](Self::reset).
    ///
    /// # Errors
    ///
    /// None of the explorers here.
    pub async fn suspend(&mut self) -> Result<(), HostError> {
        self.suspended = true;
        self.carry(&Step::Suspend).await?;
        self.clock.skip_ms(SUSPEND_MS);
        Ok(())
    }

    /// Drives resume, and uses the bus again. What was configured is configured.
    ///
    /// # Errors
    ///
    /// None of the explorers here.
    pub async fn resume(&mut self) -> Result<(), HostError> {
        self.carry(&Step::Resume).await?;
        self.suspended = false;
        self.clock.skip_ms(RESUME_MS);
        Ok(())
    }

    /// Waits for a suspended device to ask for a resume, and resumes the bus: a remote wake-up.
    ///
    /// # Errors
    ///
    /// [`HostError::NoWakeUp`].
    pub async fn wake_up(&mut self) -> Result<(), HostError> {
        self.carry(&Step::WakeUp).await?;
        self.suspended = false;
        self.clock.skip_ms(RESUME_MS);
        Ok(())
    }

    /// Pulls the cable, and VBUS with it where that is [modelled](crate::device::usbd::Supply). Tokens are not answered
    /// from now on.
    ///
    /// # Errors
    ///
    /// None of the explorers here.
    pub async fn disconnect(&mut self) -> Result<(), HostError> {
        self.carry(&Step::Disconnect).await.map(drop)
    }

    /// Plugs the cable in again. The device is to be [`reset`](Self::reset) next.
    ///
    /// # Errors
    ///
    /// None of the explorers here.
    pub async fn connect(&mut self) -> Result<(), HostError> {
        self.carry(&Step::Connect).await.map(drop)
    }

    /// Waits for some milliseconds, as hosts do after a reset and after SET_ADDRESS: until nobody else can go on. The
    /// device has then noticed what went before. Without it the next token may come as soon as a scheduler likes.
    ///
    /// # Errors
    ///
    /// None of the explorers here.
    pub async fn settle(&mut self) -> Result<(), HostError> {
        self.carry(&Step::Settle).await?;
        self.clock.skip_ms(SETTLE_MS);
        Ok(())
    }

    /// Lets `frames` frames go by, each with its SOF.
    ///
    /// # Errors
    ///
    /// [`HostError::Suspended`].
    pub async fn wait_frames(&mut self, frames: u32) -> Result<(), HostError> {
        for _ in 0..frames {
            self.begin_frame().await?;
        }
        Ok(())
    }

    /// Goes to this frame, counted from the start, if it is still to come: SOF for it, none for those between.
    pub(super) async fn until_frame(&mut self, frame: u64) -> Result<(), HostError> {
        let left = frame.saturating_sub(self.clock.frames());
        if left == 0 {
            return Ok(());
        }
        self.clock.skip_ms(left - 1);
        self.begin_frame().await
    }

    /// Begins the next frame.
    pub(super) async fn begin_frame(&mut self) -> Result<(), HostError> {
        if self.suspended {
            return Err(HostError::Suspended { token: "SOF" });
        }
        self.clock.begin_frame();
        self.carry(&Step::StartOfFrame(self.clock.frame())).await.map(drop)
    }
}
