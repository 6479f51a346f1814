//! Accepts, uses and ends connections on granted sockets. The kernel reports a descriptor that is not a socket.

use std::io::{IoSlice, IoSliceMut};
use std::os::fd::BorrowedFd;

use rustix::event::PollFlags;
use rustix::net::{RecvAncillaryBuffer, RecvFlags, ReturnFlags, SendAncillaryBuffer, SendFlags, Shutdown, SocketFlags};

use crate::host::stream::{Source, Target, ask};
use crate::host::table::{Descriptor, File, Table};
use crate::types::{Access, Errno, Result};

/// Accepts a connection on a listening socket, and returns the number of its descriptor.
pub(crate) fn accept(table: &mut Table, fd: u32, nonblock: bool) -> Result<u32> {
    let listener = table.get(fd)?;
    table.check_room()?;
    if let Descriptor::File(file) = listener
        && file.nonblock
    {
        // If several processes accept on one socket, another one may take the connection first. Then this call waits for the
        // next one.
        ask(file, PollFlags::IN)?;
    }
    let mut flags = SocketFlags::CLOEXEC;
    flags.set(SocketFlags::NONBLOCK, nonblock);
    let socket = rustix::net::accept_with(socket_fd(listener)?, flags)?;
    table.insert(Descriptor::File(File::owned(socket, true, Access::ReadWrite)))
}

/// Message that was received.
pub(crate) struct Received {
    /// Number of its bytes that were stored.
    pub(crate) bytes: usize,
    /// True if the message was longer than the buffers.
    pub(crate) truncated: bool,
}

/// Receives a message, with the flags `PEEK` and `WAITALL` if wanted.
pub(crate) fn receive(socket: &Descriptor, target: Target<'_, '_>, mut flags: RecvFlags) -> Result<Received> {
    flags |= RecvFlags::CMSG_CLOEXEC;
    flags.set(RecvFlags::DONTWAIT, is_nonblocking(socket));
    let fd = socket_fd(socket)?;
    let receive = |slices: &mut [IoSliceMut<'_>]| {
        let control = &mut RecvAncillaryBuffer::default();
        rustix::net::recvmsg(fd, slices, control, flags)
    };
    let message = match target {
        Target::One(bytes) => receive(&mut [IoSliceMut::new(bytes)])?,
        Target::Many(slices) => receive(slices)?,
    };
    Ok(Received {
        bytes: message.bytes,
        truncated: message.flags.contains(ReturnFlags::TRUNC),
    })
}

/// Sends a message, and returns how many bytes of it were taken.
pub(crate) fn send(socket: &Descriptor, source: Source<'_, '_>) -> Result<usize> {
    let mut flags = SendFlags::NOSIGNAL;
    flags.set(SendFlags::DONTWAIT, is_nonblocking(socket));
    let fd = socket_fd(socket)?;
    let send = |slices: &[IoSlice<'_>]| {
        let control = &mut SendAncillaryBuffer::default();
        rustix::net::sendmsg(fd, slices, control, flags)
    };
    Ok(match source {
        Source::One(bytes) => send(&[IoSlice::new(bytes)])?,
        Source::Many(slices) => send(slices)?,
    })
}

/// Ends one or both directions of a connection.
pub(crate) fn shutdown(socket: &Descriptor, how: Shutdown) -> Result {
    Ok(rustix::net::shutdown(socket_fd(socket)?, how)?)
}

/// Returns the host's descriptor. The kernel reports that it is not a socket.
fn socket_fd(descriptor: &Descriptor) -> Result<BorrowedFd<'_>> {
    descriptor.fd().ok_or(Errno::NOTSOCK)
}

/// Returns true if the guest made a shared description non-blocking. The kernel has this flag for the guest's own descriptions.
fn is_nonblocking(socket: &Descriptor) -> bool {
    matches!(socket, Descriptor::File(file) if file.nonblock)
}
