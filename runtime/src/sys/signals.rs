//! Signal handlers.
//!
//! Input: signals. Output: calls of the installed functions. A fault that they do not handle goes to the previous handler of the
//! signal. Must not hold: the guest.
//!
//! The functions run inside a signal handler on the alternate stack. They may only read memory, use atomics and change the
//! registers of the interrupted thread.

use std::io;
use std::mem::{self, MaybeUninit};
use std::ptr;
use std::sync::OnceLock;

use super::timer;

/// Registers of the interrupted code.
#[derive(Copy, Clone, Debug)]
pub(crate) struct Registers {
    /// The instruction pointer.
    pub(crate) pc: usize,
    /// The frame pointer.
    pub(crate) fp: usize,
}

/// The place where execution goes on, instead of where the signal came.
#[derive(Copy, Clone, Debug)]
pub(crate) struct Resume {
    /// The instruction pointer.
    pub(crate) pc: usize,
    /// The first argument (`rdi`).
    pub(crate) argument: usize,
}

/// Functions that the handlers call.
#[derive(Copy, Clone, Debug)]
pub(crate) struct Hooks {
    /// Handles a hardware fault. The address is that of an access to memory that is not accessible (`SIGSEGV`). It is absent for
    /// other kinds of faults. Returns `None` for a fault that is not the guest's.
    pub(crate) fault: fn(registers: Registers, address: Option<usize>) -> Option<Resume>,
    /// Checks the deadlines of this thread's guests. Returns `None` to go on at the interrupted place.
    pub(crate) interrupt: fn(registers: Registers) -> Option<Resume>,
    /// Called in a process that was just forked off. It has only this thread.
    pub(crate) forked: fn(thread: i32),
}

const FAULTS: [i32; 4] = [libc::SIGSEGV, libc::SIGBUS, libc::SIGILL, libc::SIGFPE];

struct Installed {
    hooks: Hooks,
    previous: [libc::sigaction; FAULTS.len()],
}

static INSTALLED: OnceLock<io::Result<Installed>> = OnceLock::new();

/// Returns the signal of timers and of [`interrupt`]. Real-time signals have no predefined meaning. The C library uses the first
/// few.
pub(crate) fn interrupt_signal() -> i32 {
    libc::SIGRTMIN() + 4
}

/// Installs the handlers of faults for the process. Later calls do nothing.
pub(crate) fn install(hooks: Hooks) -> io::Result<()> {
    match INSTALLED.get_or_init(|| install_now(hooks)) {
        Ok(_) => Ok(()),
        Err(error) => Err(io::Error::from(error.kind())),
    }
}

fn install_now(hooks: Hooks) -> io::Result<Installed> {
    // SAFETY: all-zero is a valid `sigaction`: the default action.
    let mut previous: [libc::sigaction; FAULTS.len()] = unsafe { mem::zeroed() };
    for (signal, previous) in FAULTS.into_iter().zip(&mut previous) {
        *previous = set_handler(signal, on_fault, libc::SA_NODEFER)?;
    }
    Ok(Installed { hooks, previous })
}

/// Installs the handler of [`interrupt_signal`] for the process, once. Only runs with a deadline need it. [`install`] must be
/// called before.
pub(crate) fn install_interrupts() -> io::Result<()> {
    static INTERRUPTS: OnceLock<io::Result<()>> = OnceLock::new();
    let installed = INTERRUPTS.get_or_init(|| {
        set_handler(interrupt_signal(), on_interrupt, 0)?;
        // SAFETY: the function may be called in any child.
        match unsafe { libc::pthread_atfork(None, None, Some(after_fork)) } {
            0 => Ok(()),
            error => Err(io::Error::from_raw_os_error(error)),
        }
    });
    match installed {
        Ok(()) => Ok(()),
        Err(error) => Err(io::Error::from(error.kind())),
    }
}

extern "C" fn after_fork() {
    timer::after_fork();
    if let Some(Ok(installed)) = INSTALLED.get() {
        (installed.hooks.forked)(timer::this_thread());
    }
}

/// Sends the interrupt's signal to a thread of this process. Returns false if the thread does not exist, or if too many signals
/// are pending. Safe in signal handlers.
pub(crate) fn interrupt(thread: i32) -> bool {
    // SAFETY: sends a signal to a thread of this process; `errno` belongs to the code that a handler interrupts.
    unsafe {
        let errno = *libc::__errno_location();
        let result = libc::syscall(libc::SYS_tgkill, libc::getpid(), thread, interrupt_signal());
        *libc::__errno_location() = errno;
        result == 0
    }
}

type Handler = extern "C" fn(i32, *mut libc::siginfo_t, *mut libc::c_void);

/// Sets the handler of a signal, without `SA_RESTART`, so that a system call that waits returns.
fn set_handler(signal: i32, handler: Handler, flags: i32) -> io::Result<libc::sigaction> {
    let mut previous = MaybeUninit::uninit();
    // SAFETY: all-zero is a valid `sigaction`, and the fields set below make it a valid handler of three arguments.
    let result = unsafe {
        let mut action: libc::sigaction = mem::zeroed();
        action.sa_sigaction = handler as *const () as usize;
        action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK | flags;
        libc::sigemptyset(&mut action.sa_mask);
        libc::sigaction(signal, &action, previous.as_mut_ptr())
    };
    if result != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: `sigaction` succeeded, so it has written the previous action.
    Ok(unsafe { previous.assume_init() })
}

/// Unblocks the signals of faults in this thread, which may have inherited a mask that blocks them. The kernel kills a process
/// whose fault is blocked, even if there is a handler.
pub(super) fn unblock_faults() {
    unblock(&FAULTS);
}

/// Unblocks the interrupt's signal in this thread, which may have inherited a mask that blocks it.
pub(crate) fn unblock_interrupts() {
    unblock(&[interrupt_signal()]);
}

fn unblock(signals: &[i32]) {
    // SAFETY: a set on the stack, initialised by `sigemptyset`.
    unsafe {
        let mut set = MaybeUninit::uninit();
        libc::sigemptyset(set.as_mut_ptr());
        for signal in signals {
            libc::sigaddset(set.as_mut_ptr(), *signal);
        }
        libc::pthread_sigmask(libc::SIG_UNBLOCK, set.as_ptr(), ptr::null_mut());
    }
}

/// # Safety
/// `context` is what the kernel gave to a handler with `SA_SIGINFO`.
unsafe fn registers(context: *mut libc::c_void) -> Registers {
    // SAFETY: the caller's promise.
    let machine = unsafe { &(*context.cast::<libc::ucontext_t>()).uc_mcontext };
    Registers {
        pc: machine.gregs[libc::REG_RIP as usize] as usize,
        fp: machine.gregs[libc::REG_RBP as usize] as usize,
    }
}

/// # Safety
/// `context` is what the kernel gave to a handler with `SA_SIGINFO`, and `resume` is a place that can be jumped to.
unsafe fn resume_at(context: *mut libc::c_void, resume: Resume) {
    // SAFETY: the caller's promise.
    let machine = unsafe { &mut (*context.cast::<libc::ucontext_t>()).uc_mcontext };
    machine.gregs[libc::REG_RIP as usize] = resume.pc as i64;
    machine.gregs[libc::REG_RDI as usize] = resume.argument as i64;
}

extern "C" fn on_fault(signal: i32, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    let Some(Ok(installed)) = INSTALLED.get() else {
        // The fault came while the handlers were being installed. The default action applies when it is repeated.
        reset_to_default(signal);
        return;
    };
    // SAFETY: the kernel gave both pointers to this handler. Signals sent by a process carry no address, but then the code
    // says so, and they are never ours.
    let (registers, address, code) = unsafe { (registers(context), (*info).si_addr() as usize, (*info).si_code) };
    let from_hardware = code > 0;
    if let Some(resume) = from_hardware
        .then(|| (installed.hooks.fault)(registers, (signal == libc::SIGSEGV).then_some(address)))
        .flatten()
    {
        // SAFETY: the kernel's context; the hook vouches for the place.
        unsafe { resume_at(context, resume) };
        return;
    }
    let slot = FAULTS.iter().position(|fault| *fault == signal).unwrap_or_default();
    forward(&installed.previous[slot], from_hardware, signal, info, context);
}

extern "C" fn on_interrupt(_signal: i32, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    let Some(Ok(installed)) = INSTALLED.get() else {
        return;
    };
    // SAFETY: the kernel gave both pointers. The code and the value are those of a timer, or whatever another process of this
    // user made up.
    let (registers, code, value) = unsafe {
        (
            registers(context),
            (*info).si_code,
            (*info).si_value().sival_ptr as usize,
        )
    };
    // `errno` belongs to the interrupted code.
    // SAFETY: the address of this thread's `errno` is always valid.
    let errno = unsafe { *libc::__errno_location() };
    if code == libc::SI_TIMER {
        timer::expire(value);
    }
    // The handler only compares times, so it does not matter who sent the signal.
    if let Some(resume) = (installed.hooks.interrupt)(registers) {
        // SAFETY: the kernel's context; the hook vouches for the place.
        unsafe { resume_at(context, resume) };
    }
    // SAFETY: as above.
    unsafe { *libc::__errno_location() = errno };
}

fn reset_to_default(signal: i32) {
    // SAFETY: setting the default action is always allowed.
    unsafe { libc::signal(signal, libc::SIG_DFL) };
}

fn forward(
    previous: &libc::sigaction,
    from_hardware: bool,
    signal: i32,
    info: *mut libc::siginfo_t,
    context: *mut libc::c_void,
) {
    match previous.sa_sigaction {
        libc::SIG_IGN if !from_hardware => {}
        // A faulting instruction faults again, which then ends the process. A signal from another process must be sent again.
        libc::SIG_DFL | libc::SIG_IGN => {
            reset_to_default(signal);
            if !from_hardware {
                // SAFETY: sends a signal to this thread.
                unsafe { libc::raise(signal) };
            }
        }
        handler if previous.sa_flags & libc::SA_SIGINFO != 0 => {
            // SAFETY: with `SA_SIGINFO` the previous handler is a function of these three arguments.
            let handler: Handler = unsafe { mem::transmute(handler) };
            handler(signal, info, context);
        }
        handler => {
            // SAFETY: without `SA_SIGINFO` the previous handler is a function of the signal's number.
            let handler: extern "C" fn(i32) = unsafe { mem::transmute(handler) };
            handler(signal);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::timer::{Expire, Timer};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Expire for Count {
        fn expire(&self) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Sends this thread the interrupt's signal with a code and a value, as another process of the same user can
    /// (`rt_sigqueueinfo(2)`).
    fn forge(code: i32, value: usize) {
        // SAFETY: all-zero is a valid `siginfo_t`; it has the value 24 bytes behind its beginning.
        let result = unsafe {
            let mut info: libc::siginfo_t = mem::zeroed();
            info.si_signo = interrupt_signal();
            info.si_code = code;
            (&raw mut info).cast::<usize>().add(3).write(value);
            let (process, thread) = (libc::getpid(), libc::gettid());
            libc::syscall(
                libc::SYS_rt_tgsigqueueinfo,
                process,
                thread,
                interrupt_signal(),
                &raw const info,
            )
        };
        assert_eq!(result, 0, "{}", io::Error::last_os_error());
    }

    #[test]
    fn a_timer_goes_off_only_for_its_own_signal() {
        install(Hooks {
            fault: |_, _| None,
            interrupt: |_| None,
            forked: |_| {},
        })
        .expect("allowed");
        install_interrupts().expect("allowed");
        unblock_interrupts();
        let count = Arc::new(Count::default());
        let ticks = || count.0.load(Ordering::Relaxed);
        let hour = Duration::from_secs(3600);
        let timer = Timer::start(hour, hour, count.clone()).expect("a timer");
        let number = timer.number();
        let address = Arc::as_ptr(&count) as usize;
        for value in [0, number + 1000, 0x4141_4141_4141_4141, usize::MAX, address] {
            for code in [libc::SI_TIMER, libc::SI_QUEUE, libc::SI_USER, libc::SI_TKILL] {
                forge(code, value);
            }
        }
        forge(libc::SI_QUEUE, number);
        assert_eq!(ticks(), 0);
        // The number of the timer decides, and the sender of the signal does not matter.
        forge(libc::SI_TIMER, number);
        assert_eq!(ticks(), 1);
        drop(timer);
        forge(libc::SI_TIMER, number);
        // The new timer may lie at the same address, but does not react to the old number.
        let timer = Timer::start(hour, hour, count.clone()).expect("a timer");
        forge(libc::SI_TIMER, number);
        assert_eq!(ticks(), 1);
        drop(timer);
        assert_eq!(Arc::strong_count(&count), 1);
    }
}
