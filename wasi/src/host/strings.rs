//! Lists of strings for arguments and environment. Each string ends with a zero byte.

/// List of strings in one contiguous buffer, which is copied to a guest at once.
#[derive(Default)]
pub(crate) struct Strings {
    bytes: Vec<u8>,
    starts: Vec<u32>,
}

impl Strings {
    /// Adds a string, the concatenation of `parts`, which contain no zero byte. Returns false if the list would become larger
    /// than 4 GiB.
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

    /// Returns all strings with their zero bytes. The length fits into a `u32`.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Returns the offset of each string in [`bytes`](Strings::bytes).
    pub(crate) fn starts(&self) -> &[u32] {
        &self.starts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_follow_each_other_with_zero_bytes() {
        let mut strings = Strings::default();
        assert!(strings.push(&[b"a"]));
        assert!(strings.push(&[b"B", b"=", b"\xff"]));
        assert_eq!((strings.bytes(), strings.starts()), (&b"a\0B=\xff\0"[..], &[0, 2][..]));
    }
}
