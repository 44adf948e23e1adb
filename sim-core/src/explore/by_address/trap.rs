//! Accesses past any cell: by a pointer to a register, where nothing is mapped.
//!
//! The access faults. Its handler looks no further than whether this thread runs firmware and the address is a
//! register's ([`hook::is_register`]); what else faults, it passes on to whoever was there before: Rust's own, which
//! knows a stack overflow. It has the CPU go on in `resume_here`, outside of the signal, where all is permitted that is
//! elsewhere: the instruction is decoded, done on the board as an access of a cell is, and stepped over.
//!
//! - *Modelled*: moves between a register of the CPU and memory of 1, 2 and 4 bytes, with sign or zero extension, and
//!   of constants; CMP and TEST with memory. That is what compilers make of `read_volatile` and `write_volatile`.
//! - *Not modelled*: other instructions. They end the run with a panic that names them.
//! - A run that ends in such an access, by a violation or a deadlock, cannot unwind the firmware: a load is no call,
//!   and has nowhere to unwind to. The firmware's frames are left as they are, and nothing of them is dropped.
//! - A backtrace goes through the access into the firmware's frames: `resume_here` says where the CPU was. (std looks
//!   up the byte before the instruction: of a function that begins with the access it shows the name of its neighbour.)
//! - What the CPU has in registers of more than 128 bits is not kept over an access: firmware is built for x86-64 as it
//!   is by default.

use std::arch::naked_asm;
use std::cell::Cell;
use std::mem::MaybeUninit;
use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::ptr;
use std::sync::OnceLock;

use iced_x86::{Code, Decoder, DecoderOptions, Instruction, Mnemonic, OpKind, Register};
use vcell::hook::{self, Access, Registers};

use super::{current, ram};

/// The bytes below the stack pointer that a function of x86-64 may use without having taken them.
const RED_ZONE: usize = 128;

/// The bytes of the longest instruction.
const LONGEST: usize = 15;

/// A page, of this system.
const PAGE: usize = 0x1000;

thread_local! {
    /// Firmware runs on this thread, and what faults at a register's address is its access.
    static RUNS: Cell<bool> = const { Cell::new(false) };
}

/// Who has handled SIGSEGV before.
static BEFORE: OnceLock<libc::sigaction> = OnceLock::new();

/// Runs `body` with accesses past any cell answered on this thread.
pub fn during<T>(body: impl FnOnce() -> T) -> T {
    struct Ends(bool);
    impl Drop for Ends {
        fn drop(&mut self) {
            RUNS.set(self.0);
        }
    }
    install();
    let _ends = Ends(RUNS.replace(true));
    body()
}

/// Installs the handler, once in a process.
fn install() {
    BEFORE.get_or_init(|| {
        let mut action = MaybeUninit::<libc::sigaction>::zeroed();
        // SAFETY:
        // - A `sigaction` is integers and a pointer that may be null: all zeros are one.
        let action = unsafe { action.assume_init_mut() };
        action.sa_sigaction = on_fault as *const () as usize;
        action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
        let mut before = MaybeUninit::<libc::sigaction>::zeroed();
        // SAFETY:
        // - Both are valid for the call. `on_fault` is a handler of the kind that SA_SIGINFO says, and keeps to what
        //   one may do: it reads and writes what it was given, and a thread-local that needs no initialisation.
        let done = unsafe { libc::sigaction(libc::SIGSEGV, action, before.as_mut_ptr()) };
        assert_eq!(done, 0, "SIGSEGV can be handled");
        // SAFETY:
        // - The call has written it.
        unsafe { before.assume_init() }
    });
}

/// The handler.
extern "C" fn on_fault(signal: i32, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    // SAFETY:
    // - The system gives a handler with SA_SIGINFO a valid `info`, for the length of the call.
    let told = unsafe { &*info };
    // SAFETY:
    // - SIGSEGV is of those that have an address.
    let address = unsafe { told.si_addr() }.addr();
    if !(RUNS.get() && hook::is_register(address)) {
        return pass_on(signal, info, context);
    }
    // SAFETY:
    // - The system gives a handler with SA_SIGINFO the context that was interrupted, as a `ucontext_t`, and nobody else
    //   has it now.
    let registers = unsafe { &mut (*context.cast::<libc::ucontext_t>()).uc_mcontext.gregs };
    let [stack_pointer, instruction] = [libc::REG_RSP, libc::REG_RIP].map(|register| register as usize);
    // Below what the interrupted function may use: where to go on, and what `resume_here` keeps.
    let slot = ptr::with_exposed_provenance_mut::<i64>(address_in(registers[stack_pointer].cast_unsigned()));
    let slot = slot.wrapping_byte_sub(RED_ZONE + size_of::<usize>());
    registers[stack_pointer] = slot.addr() as i64;
    // SAFETY:
    // - It is below the red zone of the frame that was interrupted: memory of this thread's stack that nobody uses, or,
    //   at its end, a guard page: then this faults, and is passed on.
    unsafe { slot.write(registers[instruction]) };
    registers[instruction] = resume_here as *const () as i64;
}

/// An address, which a register has held.
fn address_in(register: u64) -> usize {
    usize::try_from(register).expect("this is x86-64")
}

/// A fault that is none of ours.
fn pass_on(signal: i32, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    let before = BEFORE.get().map_or(libc::SIG_DFL, |before| before.sa_sigaction);
    if matches!(before, libc::SIG_DFL | libc::SIG_IGN) {
        // The access comes again, and ends the process as it would have.
        // SAFETY:
        // - The default action needs nothing of this process.
        unsafe { libc::signal(signal, libc::SIG_DFL) };
        return;
    }
    // SAFETY:
    // - It was a handler for SIGSEGV, installed by `sigaction` or `signal`; one that takes less ignores the rest
    //   (System V ABI: arguments are in registers).
    let before =
        unsafe { std::mem::transmute::<usize, extern "C" fn(i32, *mut libc::siginfo_t, *mut libc::c_void)>(before) };
    before(signal, info, context);
}

/// What `resume_here` keeps of the CPU, as it pushes it.
#[repr(C)]
struct Kept {
    /// By their numbers in instructions: RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R8 to R15. RSP's is not used.
    general: [u64; 16],
    flags: u64,
    /// Where the CPU goes on.
    instruction: u64,
}

impl Kept {
    /// Where the stack was when the CPU made its access.
    fn stack_pointer(&self) -> u64 {
        (ptr::from_ref(self).addr() + size_of::<Self>() + RED_ZONE) as u64
    }
}

/// Where a CPU that was interrupted goes on: keeps what it has in registers, has the access answered, and gives it
/// back.
///
/// On the stack is what `on_fault` has put there: the address of the instruction, which `answer` replaces by the next.
///
/// To a debugger and to a backtrace it is a signal's frame: while `answer` runs, RBX has the address of a [`Kept`],
/// where the registers are of the function that was interrupted (the numbers are those of `Kept::general`).
#[unsafe(naked)]
extern "C" fn resume_here() {
    /// From what is kept to the stack pointer that was interrupted.
    const FRAME: usize = size_of::<Kept>() + RED_ZONE;
    naked_asm!(
        ".cfi_startproc",
        ".cfi_signal_frame",
        "pushfq",
        "cld",
        "push r15", "push r14", "push r13", "push r12", "push r11", "push r10", "push r9", "push r8",
        "push rdi", "push rsi", "push rbp", "push rsp", "push rbx", "push rdx", "push rcx", "push rax",
        "mov rdi, rsp",
        "mov rbx, rsp",
        ".cfi_def_cfa rbx, {frame}",
        ".cfi_offset rip, {instruction} - {frame}",
        ".cfi_offset rbx, 3 * 8 - {frame}",
        ".cfi_offset rbp, 5 * 8 - {frame}",
        ".cfi_offset r12, 12 * 8 - {frame}",
        ".cfi_offset r13, 13 * 8 - {frame}",
        ".cfi_offset r14, 14 * 8 - {frame}",
        ".cfi_offset r15, 15 * 8 - {frame}",
        "sub rsp, 512",
        "and rsp, -64",
        "fxsave64 [rsp]",
        "call {answer}",
        "fxrstor64 [rsp]",
        "mov rsp, rbx",
        "pop rax", "pop rcx", "pop rdx", "pop rbx", "pop rbp", "pop rbp", "pop rsi", "pop rdi",
        "pop r8", "pop r9", "pop r10", "pop r11", "pop r12", "pop r13", "pop r14", "pop r15",
        "popfq",
        "ret {red_zone}",
        ".cfi_endproc",
        answer = sym answer,
        red_zone = const RED_ZONE,
        frame = const FRAME,
        instruction = const std::mem::offset_of!(Kept, instruction),
    )
}

/// Answers the access of the instruction that `kept` names.
extern "C" fn answer(kept: &mut Kept) {
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        let instruction = decode(kept.instruction);
        step(kept, &instruction);
        kept.instruction = instruction.next_ip();
    }));
    if let Err(payload) = outcome {
        ram::abandon(payload);
    }
}

/// The instruction at this address.
fn decode(address: u64) -> Instruction {
    // Not beyond the page, unless the instruction goes on there: the next may not be mapped.
    let start = ptr::with_exposed_provenance::<u8>(address_in(address));
    let left = PAGE - start.addr() % PAGE;
    let within = |length: usize| {
        // SAFETY:
        // - The CPU has just tried to execute this instruction, so its bytes are mapped and readable; up to the end of
        //   its page, or as far as it goes on into the next (the first look has found no whole one).
        // - Nobody writes to them: they are code.
        let bytes = unsafe { std::slice::from_raw_parts(start, length) };
        Decoder::with_ip(64, bytes, address, DecoderOptions::NONE).decode()
    };
    let first = within(LONGEST.min(left));
    if first.code() == Code::INVALID && left < LONGEST { within(LONGEST) } else { first }
}

/// Does what `instruction` does, with the board for memory.
#[track_caller]
fn step(kept: &mut Kept, instruction: &Instruction) {
    let bytes = instruction.memory_size().size();
    let memory = (0..instruction.op_count()).find(|&operand| instruction.op_kind(operand) == OpKind::Memory);
    let (Some(memory), 1 | 2 | 4 | 8) = (memory, bytes) else { unknown(instruction) };
    let value_of = |register: Register, _, _| Some(if register.is_segment_register() { 0 } else { kept.get(register) });
    let Some(address) = instruction.virtual_address(memory, 0, value_of) else { unknown(instruction) };
    let address = u32::try_from(address).unwrap_or_else(|_| unknown(instruction));
    let cpu = current().expect("firmware runs on this thread");
    let access = Access { address, bytes, line: Location::caller() };
    match (instruction.mnemonic(), memory) {
        (Mnemonic::Mov, 0) => cpu.write(access, kept.operand(instruction, 1) & ones(bytes)),
        (Mnemonic::Mov | Mnemonic::Movzx, 1) => kept.set(instruction, cpu.read(access)),
        (Mnemonic::Movsx | Mnemonic::Movsxd, 1) => kept.set(instruction, extended(cpu.read(access), bytes)),
        (Mnemonic::Cmp, 0) => kept.compare(cpu.read(access), kept.operand(instruction, 1), bytes),
        (Mnemonic::Cmp, 1) => kept.compare(kept.operand(instruction, 0), cpu.read(access), bytes),
        (Mnemonic::Test, _) => kept.test(cpu.read(access) & kept.operand(instruction, 1 - memory), bytes),
        _ => unknown(instruction),
    }
}

#[cold]
fn unknown(instruction: &Instruction) -> ! {
    let (mnemonic, address) = (instruction.mnemonic(), instruction.ip());
    panic!("a register is accessed by an instruction that is not emulated: {mnemonic:?} at {address:#x}")
}

/// So many bytes of ones.
fn ones(bytes: usize) -> u64 {
    u64::MAX >> (64 - 8 * bytes)
}

/// The sign of so many bytes, up to 64 bits.
fn extended(value: u64, bytes: usize) -> u64 {
    let above = 64 - 8 * bytes;
    ((value << above) as i64 >> above) as u64
}

/// Flags of the CPU.
const CARRY: u64 = 1;
const PARITY: u64 = 1 << 2;
const AUXILIARY: u64 = 1 << 4;
const ZERO: u64 = 1 << 6;
const SIGN: u64 = 1 << 7;
const OVERFLOW: u64 = 1 << 11;

impl Kept {
    /// What `register` holds. Those of the second byte (AH and so on) are not for compilers.
    fn get(&self, register: Register) -> u64 {
        if register == Register::None {
            return 0;
        }
        let value = match register.full_register() {
            Register::RSP => self.stack_pointer(),
            full => self.general[full.number()],
        };
        value & ones(register.size())
    }

    fn operand(&self, instruction: &Instruction, operand: u32) -> u64 {
        match instruction.op_kind(operand) {
            OpKind::Register => self.get(instruction.op_register(operand)),
            _ => instruction.immediate(operand),
        }
    }

    /// Puts `value` into the instruction's register: 32 bits clear those above, 8 and 16 leave them.
    fn set(&mut self, instruction: &Instruction, value: u64) {
        let register = instruction.op0_register();
        let (bytes, number) = (register.size(), register.full_register().number());
        let keeps = if bytes < 4 { !ones(bytes) } else { 0 };
        self.general[number] = self.general[number] & keeps | value & ones(bytes);
    }

    /// The flags of `left - right`.
    fn compare(&mut self, left: u64, right: u64, bytes: usize) {
        let (left, right) = (left & ones(bytes), right & ones(bytes));
        let result = left.wrapping_sub(right) & ones(bytes);
        let sign = ones(bytes) & !(ones(bytes) >> 1);
        self.test(result, bytes);
        let overflows = (left ^ right) & (left ^ result) & sign != 0;
        let borrows = (left ^ right ^ result) & 0x10 != 0;
        let flags = [(left < right, CARRY), (overflows, OVERFLOW), (borrows, AUXILIARY)];
        self.flags |= flags.iter().filter(|(is_set, _)| *is_set).fold(0, |all, (_, flag)| all | flag);
    }

    /// The flags of a result that neither carries nor overflows.
    fn test(&mut self, result: u64, bytes: usize) {
        self.flags &= !(CARRY | PARITY | AUXILIARY | ZERO | SIGN | OVERFLOW);
        let sign = ones(bytes) & !(ones(bytes) >> 1);
        let is_even = (result & 0xFF).count_ones().is_multiple_of(2);
        let flags = [(result == 0, ZERO), (result & sign != 0, SIGN), (is_even, PARITY)];
        self.flags |= flags.iter().filter(|(is_set, _)| *is_set).fold(0, |all, (_, flag)| all | flag);
    }
}
