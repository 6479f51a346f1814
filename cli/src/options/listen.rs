//! Parses the addresses of `--listen`. The error is the reason with the fix.
//!
//! Names are not looked up. Addresses are numeric, and `localhost` stands for 127.0.0.1.

use std::ffi::OsStr;
use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

/// An address to listen on.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Address {
    /// TCP.
    Tcp(SocketAddr),
    /// A path in the file system, typed as `unix:PATH`.
    Unix(PathBuf),
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// Reads the value of `--listen`.
pub(crate) fn address(word: &OsStr) -> Result<Address, String> {
    if let Some(path) = word.as_bytes().strip_prefix(b"unix:") {
        if path.is_empty() {
            return Err("`unix:` has no path: write unix:PATH".to_owned());
        }
        return Ok(Address::Unix(PathBuf::from(OsStr::from_bytes(path))));
    }
    let shown = word.display();
    let fix = || format!("`{shown}` is not an address: write 127.0.0.1:8080, [::1]:8080 or unix:PATH");
    let typed = word.to_str().ok_or_else(fix)?;
    if let Ok(address) = typed.parse() {
        return Ok(Address::Tcp(address));
    }
    let Some((host, Ok(port))) = typed.rsplit_once(':').map(|(host, port)| (host, port.parse::<u16>())) else {
        return Err(fix());
    };
    match host {
        "localhost" => Ok(Address::Tcp((Ipv4Addr::LOCALHOST, port).into())),
        "" | "*" => Err(format!(
            "`{shown}` names no address: write 127.0.0.1:{port}, or 0.0.0.0:{port} for everyone who reaches this machine"
        )),
        _ if host.contains(':') => Err(format!(
            "`{shown}` is ambiguous: an IPv6 address stands in brackets, [::1]:8080"
        )),
        _ => Err(format!(
            "`{shown}`: names are not looked up, write an address: 127.0.0.1:{port}"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_as_people_type_them() {
        for (word, address) in [
            ("127.0.0.1:8080", "127.0.0.1:8080"),
            ("0.0.0.0:0", "0.0.0.0:0"),
            ("[::1]:65535", "[::1]:65535"),
            ("localhost:80", "127.0.0.1:80"),
            ("unix:/run/x:y", "unix:/run/x:y"),
            ("unix:x", "unix:x"),
        ] {
            let parsed = super::address(OsStr::new(word)).expect(word);
            assert_eq!(parsed.to_string(), address, "{word}");
        }
    }

    #[test]
    fn what_is_no_address_is_refused_with_the_fix() {
        for (word, fix) in [
            ("", "write 127.0.0.1:8080"),
            ("8080", "write 127.0.0.1:8080"),
            ("127.0.0.1", "write 127.0.0.1:8080"),
            ("127.0.0.1:http", "write 127.0.0.1:8080"),
            ("127.0.0.1:65536", "write 127.0.0.1:8080"),
            (":80", "127.0.0.1:80, or 0.0.0.0:80"),
            ("*:80", "127.0.0.1:80, or 0.0.0.0:80"),
            ("::1:80", "[::1]:8080"),
            ("example.org:80", "names are not looked up"),
            ("unix:", "unix:PATH"),
        ] {
            let error = super::address(OsStr::new(word)).expect_err(word);
            assert!(error.contains(fix), "{word}: {error}");
        }
        assert!(super::address(OsStr::from_bytes(b"\xff:80")).is_err());
    }
}
