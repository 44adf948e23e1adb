//! What becomes of a transfer, bulk or isochronous: waited for, ended, dropped, forgotten.

use dma_api::nrf52840::usbd::{Endpoints, Engine, IsoTransfer, Late, Transfer};
use sim_core::explore::Board;

use crate::buffers::Buffer;
use crate::usbd::firmware::{Bus, Device, Firmware};
use crate::usbd::operations::Fate;

/// A transfer that has ended.
pub struct Ended<B: Board> {
    /// The engine, idle.
    pub engine: Engine<Bus<B>>,
    buffer: Buffer,
    /// Of an isochronous packet, how many bytes it has.
    pub length: Result<usize, Late>,
}

/// A transfer that runs, of either pipe.
pub trait Runs<B: Board>: Sized {
    /// Whether it has ended.
    fn is_done(&self) -> bool;

    /// Ends it, if the DMA has.
    ///
    /// # Errors
    ///
    /// The transfer, while it runs.
    fn end(self) -> Result<Ended<B>, Self>;

    /// Waits for the end.
    fn wait(self) -> Ended<B>;
}

impl<B: Board> Runs<B> for Transfer<Bus<B>, Buffer> {
    fn is_done(&self) -> bool {
        Transfer::is_done(self)
    }

    fn end(self) -> Result<Ended<B>, Self> {
        Transfer::end(self).map(|(engine, buffer)| Ended { engine, length: Ok(buffer.len()), buffer })
    }

    fn wait(self) -> Ended<B> {
        let (engine, buffer) = Transfer::wait(self);
        Ended { engine, length: Ok(buffer.len()), buffer }
    }
}

impl<B: Board> Runs<B> for IsoTransfer<Bus<B>, Buffer> {
    fn is_done(&self) -> bool {
        IsoTransfer::is_done(self)
    }

    fn end(self) -> Result<Ended<B>, Self> {
        IsoTransfer::end(self).map(|ended| Ended { engine: ended.engine, buffer: ended.buffer, length: ended.length })
    }

    fn wait(self) -> Ended<B> {
        let ended = IsoTransfer::wait(self);
        Ended { engine: ended.engine, buffer: ended.buffer, length: ended.length }
    }
}

impl<B: Board> Firmware<B> {
    /// What becomes of a transfer of the buffer in `slot`; `look` looks at that when it is back, and says what has come
    /// of it.
    pub(super) fn go_on(
        &mut self,
        mut transfer: impl Runs<B>,
        endpoints: Endpoints,
        slot: u8,
        fate: Fate,
        look: impl FnOnce(&mut Self, &mut Ended<B>, &[u8]) -> &'static str,
    ) -> &'static str {
        let mut ended = match fate {
            Fate::Wait => transfer.wait(),
            Fate::End => loop {
                let is_done = transfer.is_done();
                match transfer.end() {
                    Ok(ended) => break ended,
                    Err(running) => {
                        assert!(!is_done, "it is done, and does not end");
                        transfer = running;
                    }
                }
            },
            Fate::Drop => {
                // It waits for the END. Engine and buffer go with it, and the endpoints are opened by the host again.
                drop(transfer);
                self.record.begin_epoch();
                self.buffers.renew();
                self.make_anew();
                return "Ok";
            }
            Fate::Forget => {
                std::mem::forget(transfer);
                self.record.engine_is_gone.set(true);
                return "Ok";
            }
        };
        let bytes = ended.buffer.to_vec();
        let said = look(self, &mut ended, &bytes);
        self.buffers.put(slot.into(), ended.buffer);
        self.device = Some(Device { engine: ended.engine, endpoints });
        said
    }
}
