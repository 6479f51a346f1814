//! The table of all WASI functions: name, parameters, and the Rust function of the same name. Only this module knows the
//! runtime. The others work on the state and on guest memory as bytes.
//!
//! A function that is marked `waits` can be interrupted. It then returns `INTR`, and it is called again unless the deadline has
//! passed. The others return only an error number for the guest, so a call does not test for failures of the host.

use wrun_runtime::{Caller, Error, Imports};

use crate::host::WasiCtx;
use crate::preview1::Version;
use crate::preview1::args::{args_get, args_sizes_get, environ_get, environ_sizes_get};
use crate::preview1::clock::{clock_res_get, clock_time_get};
use crate::preview1::fd::dir::{fd_prestat_dir_name, fd_prestat_get, fd_readdir};
use crate::preview1::fd::io::{fd_pread, fd_pwrite, fd_read, fd_seek, fd_tell, fd_write};
use crate::preview1::fd::stat::{
    fd_fdstat_get, fd_fdstat_set_flags, fd_fdstat_set_rights, fd_filestat_get, fd_filestat_set_size,
    fd_filestat_set_times,
};
use crate::preview1::fd::{fd_advise, fd_allocate, fd_close, fd_datasync, fd_renumber, fd_sync};
use crate::preview1::path::{
    path_create_directory, path_filestat_get, path_filestat_set_times, path_link, path_open, path_readlink,
    path_remove_directory, path_rename, path_symlink, path_unlink_file,
};
use crate::preview1::poll::{Wait, poll_oneoff};
use crate::preview1::proc::{proc_exit, proc_raise, sched_yield};
use crate::preview1::random::random_get;
use crate::preview1::sock::{sock_accept, sock_recv, sock_send, sock_shutdown};
use crate::types::{Errno, Result};

/// Defines functions. The version of the interface, in brackets, is passed to the Rust function before the guest's arguments.
macro_rules! functions {
    ($imports:ident, $module:ident, $get:ident;
        $($kind:ident $name:ident $([$version:expr])? ($($arg:ident: $ty:ty),*);)*) => {
        $($imports.func($module, stringify!($name), functions!(@$kind $get $name [$($version)?] ($($arg: $ty),*)));)*
    };
    (@returns $get:ident $name:ident [$($version:expr)?] ($($arg:ident: $ty:ty),*)) => {
        move |mut caller: Caller<'_, T>, $($arg: $ty),*| -> i32 {
            code(with(&mut caller, $get, |ctx, memory| $name(ctx, memory, $($version,)? $($arg),*)))
        }
    };
    (@waits $get:ident $name:ident [$($version:expr)?] ($($arg:ident: $ty:ty),*)) => {
        move |mut caller: Caller<'_, T>, $($arg: $ty),*| -> std::result::Result<i32, Error> {
            retry(&mut caller, $get, |ctx, memory| $name(ctx, memory, $($version,)? $($arg),*))
        }
    };
}

/// Defines all functions of `wasi_snapshot_preview1` and of the older `wasi_unstable`. `get` returns the WASI state in the data
/// of the store. The guest's memory is its export `memory`.
pub fn add_to_imports<T: 'static>(
    imports: &mut Imports<T>,
    get: impl Fn(&mut T) -> &mut WasiCtx + Copy + Send + Sync + 'static,
) {
    add(imports, get, Version::Preview1);
    add(imports, get, Version::Preview0);
}

fn add<T: 'static>(
    imports: &mut Imports<T>,
    get: impl Fn(&mut T) -> &mut WasiCtx + Copy + Send + Sync + 'static,
    version: Version,
) {
    let module = match version {
        Version::Preview0 => "wasi_unstable",
        Version::Preview1 => "wasi_snapshot_preview1",
    };
    add_process(imports, get, module, version);
    add_fd(imports, get, module, version);
    add_path(imports, get, module, version);
}

/// Defines the functions that concern neither a descriptor nor a path.
fn add_process<T: 'static>(
    imports: &mut Imports<T>,
    get: impl Fn(&mut T) -> &mut WasiCtx + Copy + Send + Sync + 'static,
    module: &'static str,
    version: Version,
) {
    functions! { imports, module, get;
        returns args_get(argv: u32, argv_buf: u32);
        returns args_sizes_get(argc: u32, argv_buf_size: u32);
        returns environ_get(environ: u32, environ_buf: u32);
        returns environ_sizes_get(count: u32, environ_buf_size: u32);
        returns clock_res_get(id: u32, resolution: u32);
        returns clock_time_get(id: u32, precision: u64, time: u32);
        returns proc_raise(signal: u32);
        returns sched_yield();
        waits sock_recv(fd: u32, ri_data: u32, ri_data_len: u32, ri_flags: u32, ro_datalen: u32, ro_flags: u32);
        waits sock_send(fd: u32, si_data: u32, si_data_len: u32, si_flags: u32, so_datalen: u32);
        returns sock_shutdown(fd: u32, how: u32);
    }
    if version == Version::Preview1 {
        functions! { imports, module, get;
            waits sock_accept(fd: u32, flags: u32, result_fd: u32);
        }
    }
    imports.func(
        module,
        "proc_exit",
        |_: Caller<'_, T>, status: u32| -> std::result::Result<(), Error> { Err(Error::host(proc_exit(status))) },
    );
    imports.func(
        module,
        "random_get",
        move |mut caller: Caller<'_, T>, buf: u32, buf_len: u32| {
            let mut done = 0;
            retry(&mut caller, get, |ctx, memory| {
                random_get(ctx, memory, &mut done, buf, buf_len)
            })
        },
    );
    imports.func(
        module,
        "poll_oneoff",
        move |mut caller: Caller<'_, T>, input: u32, output: u32, nsubscriptions: u32, nevents: u32| {
            let mut wait = Wait::default();
            retry(&mut caller, get, |ctx, memory| {
                poll_oneoff(ctx, memory, version, &mut wait, input, output, nsubscriptions, nevents)
            })
        },
    );
}

fn add_fd<T: 'static>(
    imports: &mut Imports<T>,
    get: impl Fn(&mut T) -> &mut WasiCtx + Copy + Send + Sync + 'static,
    module: &'static str,
    version: Version,
) {
    functions! { imports, module, get;
        waits fd_advise(fd: u32, offset: u64, len: u64, advice: u32);
        waits fd_allocate(fd: u32, offset: u64, len: u64);
        returns fd_close(fd: u32);
        waits fd_datasync(fd: u32);
        returns fd_fdstat_get(fd: u32, stat: u32);
        returns fd_fdstat_set_flags(fd: u32, flags: u32);
        returns fd_fdstat_set_rights(fd: u32, base: u64, inheriting: u64);
        waits fd_filestat_get[version](fd: u32, buf: u32);
        waits fd_filestat_set_size(fd: u32, size: u64);
        waits fd_filestat_set_times(fd: u32, atim: u64, mtim: u64, fst_flags: u32);
        waits fd_pread(fd: u32, iovs: u32, iovs_len: u32, offset: u64, nread: u32);
        returns fd_prestat_get(fd: u32, buf: u32);
        returns fd_prestat_dir_name(fd: u32, path: u32, path_len: u32);
        waits fd_pwrite(fd: u32, iovs: u32, iovs_len: u32, offset: u64, nwritten: u32);
        waits fd_read(fd: u32, iovs: u32, iovs_len: u32, nread: u32);
        returns fd_renumber(fd: u32, to: u32);
        returns fd_seek[version](fd: u32, offset: i64, whence: u32, newoffset: u32);
        waits fd_sync(fd: u32);
        returns fd_tell(fd: u32, offset: u32);
        waits fd_write(fd: u32, iovs: u32, iovs_len: u32, nwritten: u32);
    }
    imports.func(
        module,
        "fd_readdir",
        move |mut caller: Caller<'_, T>, fd: u32, buf: u32, buf_len: u32, cookie: u64, bufused: u32| {
            let mut done = 0;
            retry(&mut caller, get, |ctx, memory| {
                fd_readdir(ctx, memory, &mut done, fd, buf, buf_len, cookie, bufused)
            })
        },
    );
}

fn add_path<T: 'static>(
    imports: &mut Imports<T>,
    get: impl Fn(&mut T) -> &mut WasiCtx + Copy + Send + Sync + 'static,
    module: &'static str,
    version: Version,
) {
    functions! { imports, module, get;
        waits path_create_directory(fd: u32, path: u32, path_len: u32);
        waits path_filestat_get[version](fd: u32, flags: u32, path: u32, path_len: u32, buf: u32);
        waits path_filestat_set_times(
            fd: u32, flags: u32, path: u32, path_len: u32, atim: u64, mtim: u64, fst_flags: u32);
        waits path_link(
            old_fd: u32, old_flags: u32, old_path: u32, old_path_len: u32, new_fd: u32, new_path: u32,
            new_path_len: u32);
        waits path_open(
            fd: u32, dirflags: u32, path: u32, path_len: u32, oflags: u32, rights_base: u64, rights_inheriting: u64,
            fdflags: u32, opened_fd: u32);
        waits path_readlink(fd: u32, path: u32, path_len: u32, buf: u32, buf_len: u32, bufused: u32);
        waits path_remove_directory(fd: u32, path: u32, path_len: u32);
        waits path_rename(
            fd: u32, old_path: u32, old_path_len: u32, new_fd: u32, new_path: u32, new_path_len: u32);
        waits path_symlink(old_path: u32, old_path_len: u32, fd: u32, new_path: u32, new_path_len: u32);
        waits path_unlink_file(fd: u32, path: u32, path_len: u32);
    }
}

/// Calls a function with the state and the memory of the guest. A guest without memory gets an empty slice, in which every
/// address is wrong.
#[inline]
fn with<T: 'static, R>(
    caller: &mut Caller<'_, T>,
    get: impl Fn(&mut T) -> &mut WasiCtx,
    function: impl FnOnce(&mut WasiCtx, &mut [u8]) -> R,
) -> R {
    match caller.memory_and_data() {
        Some((memory, data)) => function(get(data), memory),
        None => function(get(caller.data_mut()), &mut []),
    }
}

/// Calls a function, and calls it again if it was interrupted before the deadline.
#[inline]
fn retry<T: 'static>(
    caller: &mut Caller<'_, T>,
    get: impl Fn(&mut T) -> &mut WasiCtx,
    mut function: impl FnMut(&mut WasiCtx, &mut [u8]) -> Result,
) -> std::result::Result<i32, Error> {
    loop {
        let result = with(caller, &get, &mut function);
        if result != Err(Errno::INTR) {
            return Ok(code(result));
        }
        if caller.interrupted() {
            return Err(Error::interrupt());
        }
    }
}

/// Returns the error number for the guest.
#[inline]
fn code(result: Result) -> i32 {
    match result {
        Ok(()) => 0,
        Err(errno) => i32::from(errno.0),
    }
}
