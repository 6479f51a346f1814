//! `args_*` and `environ_*`: the program's arguments and environment, byte for byte. The guest gets each of them as a list of
//! strings and an array of pointers to these strings.

use super::memory;
use crate::host::WasiCtx;
use crate::host::strings::Strings;
use crate::types::Result;

/// Writes the arguments.
pub(crate) fn args_get(ctx: &mut WasiCtx, memory: &mut [u8], argv: u32, argv_buf: u32) -> Result {
    write(&ctx.args, memory, argv, argv_buf)
}

/// Writes the number of arguments and their total size in bytes.
pub(crate) fn args_sizes_get(ctx: &mut WasiCtx, memory: &mut [u8], argc: u32, argv_buf_size: u32) -> Result {
    write_sizes(&ctx.args, memory, argc, argv_buf_size)
}

/// Writes the variables as `NAME=VALUE`.
pub(crate) fn environ_get(ctx: &mut WasiCtx, memory: &mut [u8], environ: u32, environ_buf: u32) -> Result {
    write(&ctx.env, memory, environ, environ_buf)
}

/// Writes the number of variables and their total size in bytes.
pub(crate) fn environ_sizes_get(ctx: &mut WasiCtx, memory: &mut [u8], count: u32, environ_buf_size: u32) -> Result {
    write_sizes(&ctx.env, memory, count, environ_buf_size)
}

/// Writes the number of strings and their total size in bytes.
fn write_sizes(strings: &Strings, memory: &mut [u8], count: u32, size: u32) -> Result {
    memory::check(memory, size, 4)?;
    memory::write_u32(memory, count, strings.starts().len() as u32)?;
    memory::write_u32(memory, size, strings.bytes().len() as u32)
}

/// Writes the pointers and the strings.
fn write(strings: &Strings, memory: &mut [u8], pointers: u32, buffer: u32) -> Result {
    memory::check_array(memory, pointers, strings.starts().len() as u32, 4)?;
    memory::write(memory, buffer, strings.bytes())?;
    for (i, start) in strings.starts().iter().enumerate() {
        memory::write_u32(memory, pointers + 4 * i as u32, buffer + start)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::Errno;

    #[test]
    fn pointers_lead_to_the_strings() {
        let mut strings = Strings::default();
        assert!(strings.push(&[b"a"]));
        assert!(strings.push(&[b"B", b"=", b"\xff"]));
        let mut memory = vec![0xaa; 64];
        write_sizes(&strings, &mut memory, 0, 4).unwrap();
        assert_eq!((memory::u32_at(&memory, 0), memory::u32_at(&memory, 4)), (2, 6));
        write(&strings, &mut memory, 8, 58).unwrap();
        assert_eq!((memory::u32_at(&memory, 8), memory::u32_at(&memory, 12)), (58, 60));
        assert_eq!(&memory[58..], b"a\0B=\xff\0");
    }

    #[test]
    fn nothing_is_written_outside_of_the_memory() {
        let mut strings = Strings::default();
        assert!(strings.push(&[b"abc"]));
        let mut memory = vec![0; 16];
        assert_eq!(write(&strings, &mut memory, 0, 13), Err(Errno::FAULT));
        assert_eq!(write(&strings, &mut memory, 13, 0), Err(Errno::FAULT));
        assert_eq!(write(&strings, &mut memory, u32::MAX, u32::MAX), Err(Errno::FAULT));
        assert_eq!(write_sizes(&strings, &mut memory, 0, 13), Err(Errno::FAULT));
        assert_eq!(memory, vec![0; 16]);
    }

    #[test]
    fn the_last_value_of_a_variable_counts() {
        let mut builder = WasiCtx::builder();
        builder.env("A", "1").env("B", "2").env("A", "3");
        let mut ctx = builder.build().unwrap();
        let mut memory = vec![0; 64];
        environ_get(&mut ctx, &mut memory, 0, 8).unwrap();
        assert_eq!(&memory[8..16], b"A=3\0B=2\0");
    }
}
