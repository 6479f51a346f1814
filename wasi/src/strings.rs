//! The form in which arguments and environment reach the guest: strings that end in a zero byte, one after the other, and
//! an array of pointers to them. `args` and `environ` are this, twice.

use crate::memory;
use crate::types::Result;

/// A list of strings in the guest's form.
#[derive(Default)]
pub(crate) struct Strings {
    bytes: Vec<u8>,
    starts: Vec<u32>,
}

impl Strings {
    /// Adds a string that is made of parts, none of which contains a zero byte. False when the list would become larger
    /// than a guest can address.
    #[must_use]
    pub(crate) fn push(&mut self, parts: &[&[u8]]) -> bool {
        let Ok(start) = u32::try_from(self.bytes.len()) else {
            return false;
        };
        self.starts.push(start);
        for part in parts {
            self.bytes.extend_from_slice(part);
        }
        self.bytes.push(0);
        u32::try_from(self.bytes.len()).is_ok()
    }

    /// Writes the number of strings and the size of all of them.
    pub(crate) fn sizes_get(&self, memory: &mut [u8], count: u32, size: u32) -> Result {
        memory::check(memory, size, 4)?;
        memory::write_u32(memory, count, self.starts.len() as u32)?;
        memory::write_u32(memory, size, self.bytes.len() as u32)
    }

    /// Writes the pointers and the strings.
    pub(crate) fn get(&self, memory: &mut [u8], pointers: u32, buffer: u32) -> Result {
        memory::check_array(memory, pointers, self.starts.len() as u32, 4)?;
        memory::write(memory, buffer, &self.bytes)?;
        for (i, start) in self.starts.iter().enumerate() {
            memory::write_u32(memory, pointers + 4 * i as u32, buffer + start)?;
        }
        Ok(())
    }
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
        strings.sizes_get(&mut memory, 0, 4).unwrap();
        assert_eq!((memory::u32_at(&memory, 0), memory::u32_at(&memory, 4)), (2, 6));
        strings.get(&mut memory, 8, 58).unwrap();
        assert_eq!((memory::u32_at(&memory, 8), memory::u32_at(&memory, 12)), (58, 60));
        assert_eq!(&memory[58..], b"a\0B=\xff\0");
    }

    #[test]
    fn nothing_is_written_outside_of_the_memory() {
        let mut strings = Strings::default();
        assert!(strings.push(&[b"abc"]));
        let mut memory = vec![0; 16];
        assert_eq!(strings.get(&mut memory, 0, 13), Err(Errno::FAULT));
        assert_eq!(strings.get(&mut memory, 13, 0), Err(Errno::FAULT));
        assert_eq!(strings.get(&mut memory, u32::MAX, u32::MAX), Err(Errno::FAULT));
        assert_eq!(strings.sizes_get(&mut memory, 0, 13), Err(Errno::FAULT));
        assert_eq!(memory, vec![0; 16]);
    }
}
