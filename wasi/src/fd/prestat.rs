//! `fd_prestat_*`: the directories that the guest was granted. A libc looks for them from number 3 on until it meets `BADF`.

use crate::ctx::WasiCtx;
use crate::memory;
use crate::types::{self, Errno, Result};

/// Writes the length of the name of a granted directory.
pub(crate) fn fd_prestat_get(ctx: &mut WasiCtx, memory: &mut [u8], fd: u32, buf: u32) -> Result {
    let len = name(ctx, fd)?.len() as u32;
    memory::write(memory, buf, &types::prestat(len))
}

/// Writes the name of a granted directory, without a zero byte.
pub(crate) fn fd_prestat_dir_name(ctx: &mut WasiCtx, memory: &mut [u8], fd: u32, path: u32, path_len: u32) -> Result {
    let name = name(ctx, fd)?;
    if name.len() > path_len as usize {
        return Err(Errno::NAMETOOLONG);
    }
    memory::write(memory, path, name)
}

fn name(ctx: &WasiCtx, fd: u32) -> Result<&[u8]> {
    ctx.table
        .dir(fd)
        .ok()
        .and_then(|dir| dir.preopen.as_deref())
        .ok_or(Errno::BADF)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::DirAccess;
    use std::path::Path;

    #[test]
    fn only_granted_directories_have_a_name() {
        let mut builder = WasiCtx::builder();
        builder.dir(Path::new("/"), b"/w\xff", DirAccess::ReadOnly).unwrap();
        let mut ctx = builder.build().unwrap();
        let mut memory = vec![0xaa; 32];
        assert_eq!(fd_prestat_get(&mut ctx, &mut memory, 3, 0), Ok(()));
        assert_eq!((memory[0], memory::u32_at(&memory, 4)), (0, 3));
        assert_eq!(
            fd_prestat_dir_name(&mut ctx, &mut memory, 3, 8, 2),
            Err(Errno::NAMETOOLONG)
        );
        assert_eq!(fd_prestat_dir_name(&mut ctx, &mut memory, 3, 30, 3), Err(Errno::FAULT));
        assert_eq!(fd_prestat_dir_name(&mut ctx, &mut memory, 3, 8, 4), Ok(()));
        assert_eq!(memory[8..12], *b"/w\xff\xaa");
        for fd in [0, 1, 2, 4, u32::MAX] {
            assert_eq!(fd_prestat_get(&mut ctx, &mut memory, fd, 0), Err(Errno::BADF));
            assert_eq!(fd_prestat_dir_name(&mut ctx, &mut memory, fd, 8, 4), Err(Errno::BADF));
        }
    }
}
