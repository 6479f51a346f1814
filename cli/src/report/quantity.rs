//! Formats durations and sizes for people, with few digits.

use std::time::Duration;

/// Formats a number of bytes for reading: `512 bytes`, `1.5 MiB`.
pub(crate) fn bytes(bytes: u64) -> String {
    const UNITS: &[&str] = &["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    // A number that would be shown as 1024.0 is shown in the next unit.
    let unit = |at: usize| (bytes as f64) / (1_u128 << (10 * (at + 1))) as f64;
    match UNITS.iter().enumerate().find(|(at, _)| unit(*at) < 1023.95) {
        _ if bytes < 1024 => format!("{bytes} bytes"),
        Some((at, name)) => format!("{:.1} {name}", unit(at)),
        None => format!("{bytes} bytes"),
    }
}

/// Formats a number of bytes as it would be typed: `8MiB`, or `600001 bytes` if it is not a multiple of a unit.
pub(crate) fn exact(bytes: u64) -> String {
    match bytes {
        _ if bytes.is_multiple_of(1 << 20) => format!("{}MiB", bytes >> 20),
        _ if bytes.is_multiple_of(1 << 10) => format!("{}KiB", bytes >> 10),
        _ => format!("{bytes} bytes"),
    }
}

/// Formats a duration for reading, in its largest unit: `5 s`, `3 min`, `2 h`, `4 d`.
pub(crate) fn rough(duration: Duration) -> String {
    match duration.as_secs() {
        seconds @ 0..60 => format!("{seconds} s"),
        seconds @ 60..3600 => format!("{} min", seconds / 60),
        seconds @ 3600..86400 => format!("{} h", seconds / 3600),
        seconds => format!("{} d", seconds / 86400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_shown_as_people_type_them() {
        for (bytes, text) in [(8 << 20, "8MiB"), (513 << 10, "513KiB"), (600_001, "600001 bytes")] {
            assert_eq!(exact(bytes), text);
        }
    }

    #[test]
    fn sizes_and_durations_as_people_read_them() {
        for (number, text) in [
            (0, "0 bytes"),
            (1023, "1023 bytes"),
            (1024, "1.0 KiB"),
            (1536 << 10, "1.5 MiB"),
            ((1 << 20) - 1, "1.0 MiB"),
            (2 << 30, "2.0 GiB"),
            (u64::MAX, "16.0 EiB"),
        ] {
            assert_eq!(bytes(number), text);
        }
        for (seconds, text) in [
            (0, "0 s"),
            (59, "59 s"),
            (60, "1 min"),
            (7199, "1 h"),
            (86399, "23 h"),
            (200_000, "2 d"),
        ] {
            assert_eq!(rough(Duration::from_secs(seconds)), text);
        }
    }
}
