//! Opens the sockets on which the guest may accept connections. Input: the addresses of `--listen`, and the variables
//! `LISTEN_FDS` and `LISTEN_PID` of a service manager. Output: open sockets, or a failure with its fix.
//!
//! # Safety
//! This file may use `unsafe`: it takes ownership of descriptors that were passed by number. [`open`] does so before wrun has
//! opened anything itself, so no other part of the process owns these descriptors.
#![allow(
    unsafe_code,
    reason = "takes over the descriptors that a service manager passes by number"
)]

use std::ffi::OsStr;
use std::fmt;
use std::io::ErrorKind;
use std::net::TcpListener;
use std::os::fd::{BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::fs::FileTypeExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;

use rustix::fs::FileType;
use rustix::io::FdFlags;

use crate::exit::Status;
use crate::options::listen::Address;
use crate::report::{self, Failure};

/// The first descriptor that a service manager passes.
const FIRST_PASSED: RawFd = 3;

/// Opens the listeners of a run: first those of `addresses` in order, then those that were passed. The process must not have
/// opened any descriptor before.
pub(crate) fn open(addresses: &[Address]) -> Result<Vec<OwnedFd>, Failure> {
    let passed = passed().map_err(|reason| Failure::new(Status::Failure, &reason))?;
    let mut sockets = Vec::with_capacity(addresses.len() + passed.len());
    for address in addresses {
        sockets.push(bind(address)?);
    }
    sockets.extend(passed);
    Ok(sockets)
}

fn bind(address: &Address) -> Result<OwnedFd, Failure> {
    let error = |error: std::io::Error| {
        let reason = match error.kind() {
            ErrorKind::AddrInUse => "it is in use; end what listens there, or choose another one".to_owned(),
            ErrorKind::AddrNotAvailable => "this machine does not have that address; choose one of its own".to_owned(),
            ErrorKind::PermissionDenied => "you have no permission; choose another one (ports from 1024 on)".to_owned(),
            _ => error.to_string(),
        };
        Failure::new(
            Status::Failure,
            &format!("--listen: cannot listen on {address}: {reason}"),
        )
    };
    match address {
        Address::Tcp(address) => {
            let listener = TcpListener::bind(address).map_err(error)?;
            if address.port() == 0 {
                // The kernel chose the port, so print it.
                let chosen = listener.local_addr().map_err(error)?;
                report::notice(&format!("notice: --listen {address} is listening on {chosen}"));
            }
            Ok(listener.into())
        }
        Address::Unix(path) => match UnixListener::bind(path) {
            Err(in_use) if in_use.kind() == ErrorKind::AddrInUse && is_left_over(path) => {
                std::fs::remove_file(path).map_err(error)?;
                UnixListener::bind(path).map(OwnedFd::from).map_err(error)
            }
            result => result.map(OwnedFd::from).map_err(error),
        },
    }
}

/// Returns true for a socket file without a listener. The file stays when its program ends.
fn is_left_over(path: &Path) -> bool {
    let is_socket = std::fs::symlink_metadata(path).is_ok_and(|metadata| metadata.file_type().is_socket());
    is_socket && UnixStream::connect(path).is_err_and(|error| error.kind() == ErrorKind::ConnectionRefused)
}

/// Returns the sockets that a service manager passed to this process.
fn passed() -> Result<Vec<OwnedFd>, String> {
    let (Some(pid), Some(count)) = (std::env::var_os("LISTEN_PID"), std::env::var_os("LISTEN_FDS")) else {
        return Ok(Vec::new());
    };
    let number = |word: &OsStr| word.to_str().and_then(|word| word.parse::<u32>().ok());
    if number(&pid) != Some(std::process::id()) {
        // They were passed to another process, which then started wrun.
        return Ok(Vec::new());
    }
    let shown = count.display();
    let count = number(&count)
        .and_then(|count| RawFd::try_from(count).ok()?.checked_add(FIRST_PASSED))
        .ok_or_else(|| format!("LISTEN_FDS is `{shown}`, which is not a number of sockets; correct it or unset it"))?;
    (FIRST_PASSED..count).map(|fd| take(fd, &shown)).collect()
}

/// Takes ownership of a passed descriptor.
fn take(fd: RawFd, count: &dyn fmt::Display) -> Result<OwnedFd, String> {
    // SAFETY: the number is not -1, and the borrow ends before anything could close the descriptor. The call checks whether it
    // is open.
    let borrowed = unsafe { BorrowedFd::borrow_raw(fd) };
    if rustix::io::fcntl_setfd(borrowed, FdFlags::CLOEXEC).is_err() {
        return Err(format!(
            "LISTEN_FDS says that {count} sockets were passed, but descriptor {fd} is not open; correct it or unset it"
        ));
    }
    // SAFETY: the descriptor is open and was passed to the process. No other part of the process owns it (see above), and it is
    // taken only once.
    let owned = unsafe { OwnedFd::from_raw_fd(fd) };
    let is_socket =
        rustix::fs::fstat(&owned).is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::Socket);
    if is_socket {
        Ok(owned)
    } else {
        Err(format!(
            "LISTEN_FDS: descriptor {fd} is not a socket, and a guest can be passed nothing else; pass sockets only"
        ))
    }
}
