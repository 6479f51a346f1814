//! Runs one module.
//!
//! Input: checked options. Output: the exit status. Must not hold: the words of messages (`report`), how a module is found
//! (`input`).
//!
//! The steps are: engine, module (from the cache or compiled), imports, instance, then `_initialize`, `_start` or `--invoke`.
//!
//! A script may run the same program a thousand times, so a run with a warm cache makes only the system calls that it needs.

mod invoke;
pub(crate) mod preflight;
mod sockets;

use std::mem::ManuallyDrop;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::time::Instant;

use wrun_runtime::{Deadline, Declarations, Error, Instance, MemoryMode, Store, Value};
use wrun_wasi::WasiCtx;

use self::preflight::Entry;
use crate::exit::Status;
use crate::input::{Input, NoModule};
use crate::options::{Options, Source, grant};
use crate::output;
use crate::report::{self, Failure, Reporter};

/// Runs the module in `options`. The clock of the deadline began at `started`.
pub(crate) fn run(options: &Options, started: Instant) -> Result<Status, Failure> {
    let report = options.reporter();
    let deadline = match &options.timeout {
        None => None,
        Some(timeout) => match Deadline::after(timeout.duration.saturating_sub(started.elapsed())) {
            Ok(deadline) => Some(deadline),
            Err(error) => return report.outcome(&error),
        },
    };
    let deadline = deadline.as_ref();
    if let Some(deadline) = deadline {
        output::heed(deadline);
    }
    // The message is printed while the timer runs. Without the timer, writing to a full pipe could wait forever.
    Ok(within(options, report, deadline).unwrap_or_else(|failure| failure.print()))
}

/// Does the run within its deadline.
fn within(options: &Options, report: Reporter<'_>, deadline: Option<&Deadline>) -> Result<Status, Failure> {
    // The sockets come first: `sockets::open` needs a process without other open descriptors.
    let sockets = sockets::open(&options.listen)?;
    // The process ends after this. Its end frees everything that is open or mapped, for less than freeing one by one.
    let run = ManuallyDrop::new(Run {
        options,
        report,
        input: Input::open(options, deadline)?,
        deadline,
    });
    let wasi = run.wasi(sockets)?;
    match run.prepare(MemoryMode::Guarded, wasi)? {
        Prepared::Ready(ready) => run.call(ready),
        Prepared::Failed(Error::AddressSpace(reason), wasi) => match run.input.artifact()? {
            None => run.checked(&reason, *wasi),
            Some(_) => Err(Failure::new(
                Status::Failure,
                &format!("{reason}: run its wasm file, for which wrun can make code that needs less"),
            )),
        },
        Prepared::Failed(error, _) => run.report.outcome(&error),
    }
}

/// The parts of a run.
struct Run<'a> {
    options: &'a Options,
    report: Reporter<'a>,
    input: Input<'a>,
    deadline: Option<&'a Deadline>,
}

/// The state of a module that was loaded and instantiated.
enum Prepared {
    /// Ready to be called.
    Ready(Ready),
    /// Failed. Another memory mode may help. It can use the guest's world, which is still unused.
    Failed(Error, Box<WasiCtx>),
}

/// An instance and the function to call in it.
struct Ready {
    store: Store<WasiCtx>,
    instance: Instance,
    entry: Entry,
}

impl Run<'_> {
    /// Does the run with checked memories: accesses are compared with the length, and no reservation is needed.
    fn checked(&self, reason: &str, wasi: WasiCtx) -> Result<Status, Failure> {
        match self.prepare(MemoryMode::Checked, wasi)? {
            Prepared::Ready(ready) => {
                let text = format!("notice: {reason}: memory accesses are checked one by one, which is slower");
                report::notice(&text);
                self.call(ready)
            }
            Prepared::Failed(error, _) => self.report.outcome(&error),
        }
    }

    /// Does all steps up to the instance.
    fn prepare(&self, mode: MemoryMode, wasi: WasiCtx) -> Result<Prepared, Failure> {
        let accept = |declared: &Declarations| preflight::check(self.options, declared);
        let (engine, module) = match self.input.load(mode, accept) {
            Ok(loaded) => loaded,
            Err(NoModule::Error(error)) => return Ok(Prepared::Failed(error, Box::new(wasi))),
            Err(NoModule::Failure(failure)) => return Err(failure),
        };
        let (entry, imports) = preflight::prepare(self.options, &module)?;
        let mut store = Store::new(&engine, wasi);
        if let Some(deadline) = self.deadline {
            store.set_deadline(deadline);
        }
        Ok(match Instance::new(&mut store, &module, &imports) {
            Ok(instance) => Prepared::Ready(Ready { store, instance, entry }),
            Err(Error::Imports(error)) => return Err(preflight::unsatisfied(self.options, &module, &error)),
            Err(error) => Prepared::Failed(error, Box::new(store.into_data())),
        })
    }

    /// Makes the guest's world: exactly the grants of the options.
    fn wasi(&self, sockets: Vec<OwnedFd>) -> Result<WasiCtx, Failure> {
        let mut wasi = WasiCtx::builder();
        for word in &self.options.argv {
            wasi.arg(word.as_encoded_bytes());
        }
        for (name, value) in &self.options.env {
            wasi.env(name.as_encoded_bytes(), value.as_encoded_bytes());
        }
        for grant in &self.options.grants {
            wasi.grant(grant).map_err(|error| {
                let option = grant::option(grant.access);
                let text = format!("{option}: {error}{}", dir_hint(&grant.host));
                Failure::new(Status::Failure, &text)
            })?;
        }
        wasi.dev_null();
        for socket in sockets {
            wasi.socket(socket);
        }
        if self.options.module == Source::Stdin {
            // The module was the whole of standard input.
            wasi.stdin_empty();
        }
        wasi.build()
            .map_err(|error| Failure::new(Status::Failure, &error.to_string()))
    }

    /// Runs the guest.
    fn call(&self, ready: Ready) -> Result<Status, Failure> {
        let Ready { store, instance, entry } = ready;
        // Not freed, as in `run`.
        let mut store = ManuallyDrop::new(store);
        let store: &mut Store<_> = &mut store;
        let mut call = |name: &str, arguments: &[Value]| match instance.func(store, name) {
            Some(func) => func.call(store, arguments),
            None => Err(Error::Refused(format!(
                "the export `{name}` was there before and is gone"
            ))),
        };
        let called = match &entry {
            Entry::Command => call("_start", &[]),
            Entry::Invoked {
                initialize,
                name,
                arguments,
            } => {
                let initialized = if *initialize {
                    call("_initialize", &[]).map(|_| ())
                } else {
                    Ok(())
                };
                initialized.and_then(|()| call(name, arguments))
            }
        };
        match called {
            Ok(results) => self.report.to_stdout(invoke::results(&results).as_bytes()),
            Err(error) => self.report.outcome(&error),
        }
    }
}

/// Suggests a path if only the part before a single colon exists, which is the syntax of other runners.
fn dir_hint(host: &Path) -> String {
    let Some((before, after)) = host.to_str().and_then(|host| host.rsplit_once(':')) else {
        return String::new();
    };
    if Path::new(before).exists() {
        format!("; did you mean `{before}::{after}`?")
    } else {
        String::new()
    }
}
