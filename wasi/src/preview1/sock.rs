//! `sock_*`: connections on granted sockets. A descriptor that is not a socket gives `NOTSOCK`.

use rustix::net::{RecvFlags, Shutdown};

use super::flags::{checked, fdflags, riflags, roflags, sdflags};
use super::{iovec, memory};
use crate::host::{WasiCtx, sock};
use crate::types::{Errno, Result};

/// Accepts a connection on a listening socket.
pub(crate) fn sock_accept(ctx: &mut WasiCtx, memory: &mut [u8], fd: u32, flags: u32, result_fd: u32) -> Result {
    let flags = checked(flags, fdflags::NONBLOCK)?;
    memory::check(memory, result_fd, 4)?;
    let accepted = sock::accept(&mut ctx.table, fd, flags != 0)?;
    memory::write_u32(memory, result_fd, accepted)
}

/// Receives a message.
#[allow(clippy::too_many_arguments, reason = "these are the arguments of the WASI function")]
pub(crate) fn sock_recv(
    ctx: &mut WasiCtx,
    memory: &mut [u8],
    fd: u32,
    ri_data: u32,
    ri_data_len: u32,
    ri_flags: u32,
    ro_datalen: u32,
    ro_flags: u32,
) -> Result {
    let flags = checked(ri_flags, riflags::ALL)?;
    memory::check(memory, ro_datalen, 4)?;
    memory::check(memory, ro_flags, 2)?;
    let socket = ctx.table.get(fd)?;
    let mut host_flags = RecvFlags::empty();
    host_flags.set(RecvFlags::PEEK, flags & riflags::RECV_PEEK != 0);
    host_flags.set(RecvFlags::WAITALL, flags & riflags::RECV_WAITALL != 0);
    let mut truncated = false;
    let bytes = iovec::scatter(memory, ri_data, ri_data_len, |target| {
        let received = sock::receive(socket, target, host_flags)?;
        truncated = received.truncated;
        Ok(received.bytes)
    })?;
    memory::write_u32(memory, ro_datalen, iovec::count(bytes)?)?;
    let flags = if truncated { roflags::RECV_DATA_TRUNCATED } else { 0 };
    memory::write(memory, ro_flags, &flags.to_le_bytes())
}

/// Sends a message.
pub(crate) fn sock_send(
    ctx: &mut WasiCtx,
    memory: &mut [u8],
    fd: u32,
    si_data: u32,
    si_data_len: u32,
    si_flags: u32,
    so_datalen: u32,
) -> Result {
    if si_flags != 0 {
        return Err(Errno::INVAL);
    }
    memory::check(memory, so_datalen, 4)?;
    let socket = ctx.table.get(fd)?;
    let bytes = iovec::gather(memory, si_data, si_data_len, |source| sock::send(socket, source))?;
    memory::write_u32(memory, so_datalen, iovec::count(bytes)?)
}

/// Ends one or both directions of a connection.
pub(crate) fn sock_shutdown(ctx: &mut WasiCtx, _: &mut [u8], fd: u32, how: u32) -> Result {
    let how = match checked(how, sdflags::ALL)? {
        sdflags::RD => Shutdown::Read,
        sdflags::WR => Shutdown::Write,
        sdflags::ALL => Shutdown::Both,
        _ => return Err(Errno::INVAL),
    };
    sock::shutdown(ctx.table.get(fd)?, how)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::table::{Descriptor, File, Handle};
    use crate::preview1::flags;
    use std::io::{Read, Write};
    use std::net::{TcpListener, TcpStream};
    use std::os::unix::net::UnixDatagram;

    /// Memory with an `iovec` of `len` bytes at 32.
    fn buffer(len: u32) -> Vec<u8> {
        let mut memory = vec![0; 64];
        memory[0] = 32;
        memory[4..8].copy_from_slice(&len.to_le_bytes());
        memory
    }

    #[test]
    fn a_connection_is_accepted_used_and_shut_down() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let mut ctx = WasiCtx::builder().socket(listener.into()).build().unwrap();
        let mut memory = buffer(5);
        sock_accept(&mut ctx, &mut memory, 3, 0, 16).unwrap();
        let fd = memory::u32_at(&memory, 16);
        assert_eq!(fd, 4);

        client.write_all(b"hello").unwrap();
        let peek = u32::from(riflags::RECV_PEEK | riflags::RECV_WAITALL);
        for flags in [peek, 0] {
            memory[32..].fill(0);
            sock_recv(&mut ctx, &mut memory, fd, 0, 1, flags, 16, 20).unwrap();
            assert_eq!((memory::u32_at(&memory, 16), &memory[32..37]), (5, &b"hello"[..]));
        }
        sock_send(&mut ctx, &mut memory, fd, 0, 1, 0, 16).unwrap();
        sock_shutdown(&mut ctx, &mut memory, fd, 2).unwrap();
        let mut received = Vec::new();
        client.read_to_end(&mut received).unwrap();
        assert_eq!(received, b"hello");
    }

    #[test]
    fn a_connection_waits_or_does_not_as_it_was_accepted() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        listener.set_nonblocking(true).unwrap();
        let mut ctx = WasiCtx::builder().socket(listener.into()).build().unwrap();
        let mut memory = buffer(5);
        assert_eq!(sock_accept(&mut ctx, &mut memory, 3, 0, 16), Err(Errno::AGAIN));
        let mut clients = Vec::new();
        for flags in [fdflags::NONBLOCK, 0] {
            clients.push(TcpStream::connect(address).unwrap());
            let accepted = loop {
                match sock_accept(&mut ctx, &mut memory, 3, flags.into(), 16) {
                    Err(Errno::AGAIN) => {}
                    result => break result.map(|()| memory::u32_at(&memory, 16)),
                }
            };
            let flags_of = rustix::fs::fcntl_getfl(ctx.table.file(accepted.unwrap()).unwrap().fd()).unwrap();
            assert_eq!(flags::fd_flags(flags_of), flags);
        }
        assert_eq!(sock_recv(&mut ctx, &mut memory, 4, 0, 1, 0, 16, 20), Err(Errno::AGAIN));
        drop(clients);
        assert_eq!(sock_recv(&mut ctx, &mut memory, 5, 0, 1, 0, 16, 20), Ok(()));
        assert_eq!(memory::u32_at(&memory, 16), 0);
    }

    #[test]
    fn connections_beyond_the_limit_of_descriptors_stay_in_the_queue() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let _client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let mut ctx = WasiCtx::builder().socket(listener.into()).build().unwrap();
        let mut memory = buffer(5);
        while ctx.table.insert(Descriptor::File(File::shared(Handle::Stdout))).is_ok() {}
        assert_eq!(sock_accept(&mut ctx, &mut memory, 3, 0, 16), Err(Errno::MFILE));
        ctx.table.remove(9).unwrap();
        assert_eq!(sock_accept(&mut ctx, &mut memory, 3, 0, 16), Ok(()));
        assert_eq!(memory::u32_at(&memory, 16), 9);
    }

    #[test]
    fn a_message_that_was_cut_off_says_so() {
        let (sender, receiver) = UnixDatagram::pair().unwrap();
        sender.send(b"too long").unwrap();
        let mut ctx = WasiCtx::builder().socket(receiver.into()).build().unwrap();
        let mut memory = buffer(3);
        sock_recv(&mut ctx, &mut memory, 3, 0, 1, 0, 16, 20).unwrap();
        assert_eq!((memory::u32_at(&memory, 16), memory::u16_at(&memory, 20)), (3, 1));
    }

    #[test]
    fn what_is_not_a_socket_is_refused() {
        let mut ctx = WasiCtx::builder().stdin_empty().build().unwrap();
        let mut memory = buffer(5);
        for (fd, errno) in [(0, Errno::NOTSOCK), (9, Errno::BADF)] {
            assert_eq!(sock_accept(&mut ctx, &mut memory, fd, 0, 16), Err(errno));
            assert_eq!(sock_recv(&mut ctx, &mut memory, fd, 0, 1, 0, 16, 20), Err(errno));
            assert_eq!(sock_send(&mut ctx, &mut memory, fd, 0, 1, 0, 16), Err(errno));
            assert_eq!(sock_shutdown(&mut ctx, &mut memory, fd, 1), Err(errno));
        }
        assert_eq!(sock_shutdown(&mut ctx, &mut memory, 0, 0), Err(Errno::INVAL));
        assert_eq!(sock_shutdown(&mut ctx, &mut memory, 0, 4), Err(Errno::INVAL));
        assert_eq!(sock_send(&mut ctx, &mut memory, 0, 0, 1, 1, 16), Err(Errno::INVAL));
        assert_eq!(sock_recv(&mut ctx, &mut memory, 0, 0, 1, 4, 16, 20), Err(Errno::INVAL));
        assert_eq!(sock_accept(&mut ctx, &mut memory, 0, 1, 16), Err(Errno::INVAL));
    }
}
