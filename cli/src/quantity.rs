//! Durations and sizes as people type them: text in, number or the reason with its fix out. And as people read them, with as
//! many digits as anybody looks at.

use std::time::Duration;

/// Reads `500ms`, `5s`, `1.5m`, `1m30s`. A plain number is refused: nothing says whether seconds or milliseconds are meant.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    const FIX: &str = "write for example `500ms`, `5s` or `1m`";
    if text.is_empty() {
        return Err(format!("a duration is missing: {FIX}"));
    }
    let mut total = Duration::ZERO;
    let mut rest = text;
    while !rest.is_empty() {
        let (number, after) = split(rest, |c| c.is_ascii_digit() || c == '.');
        let (unit, after) = split(after, |c| !c.is_ascii_digit() && c != '.');
        if number.is_empty() {
            return Err(format!("`{text}` is not a duration: {FIX}"));
        }
        let number: f64 = number
            .parse()
            .map_err(|_| format!("`{text}` is not a duration: {FIX}"))?;
        let seconds = match unit {
            "ns" => 1e-9,
            "us" | "µs" => 1e-6,
            "ms" => 1e-3,
            "s" => 1.0,
            "m" | "min" => 60.0,
            "h" => 3600.0,
            // No time in any unit, which is what has to be said of it.
            "" if number == 0.0 && total.is_zero() => 1.0,
            "" => {
                return Err(format!(
                    "`{text}` has no unit: write `{text}s` for seconds or `{text}ms` for milliseconds"
                ));
            }
            _ => return Err(format!("`{unit}` is not a unit of time (ns, us, ms, s, m, h): {FIX}")),
        };
        total = Duration::try_from_secs_f64(number * seconds)
            .ok()
            .and_then(|part| total.checked_add(part))
            .filter(|sum| *sum <= LONGEST)
            .ok_or_else(|| format!("`{text}` is too long: the longest deadline is 8760h, a year"))?;
        rest = after;
    }
    if total.is_zero() {
        return Err(format!(
            "`{text}` is no time at all: leave the option out for a run without a deadline"
        ));
    }
    Ok(total)
}

/// A year. Longer deadlines are mistakes, and would not fit the arithmetic of all clocks.
const LONGEST: Duration = Duration::from_secs(8760 * 3600);

/// Reads a number of bytes: `8388608`, `8192K`, `8M`, `8MiB`, `1G`. The units are powers of 1024.
pub(crate) fn size(text: &str) -> Result<u64, String> {
    const FIX: &str = "write for example `8MiB` or `512K`";
    let (number, unit) = split(text, |c| c.is_ascii_digit());
    let shift = match unit.to_ascii_lowercase().as_str() {
        "" | "b" => 0,
        "k" | "kib" => 10,
        "m" | "mib" => 20,
        "g" | "gib" => 30,
        "kb" | "mb" | "gb" => {
            let (binary, _) = unit.split_at(1);
            return Err(format!(
                "`{unit}` can mean two sizes: write `{number}{}iB`",
                binary.to_ascii_uppercase()
            ));
        }
        _ => return Err(format!("`{text}` is not a size: {FIX}")),
    };
    if number.is_empty() {
        return Err(format!("`{text}` is not a size: {FIX}"));
    }
    number
        .parse::<u64>()
        .ok()
        .and_then(|number| number.checked_mul(1 << shift))
        .ok_or_else(|| format!("`{text}` is too large to be a size in bytes: {FIX}"))
}

/// A number of bytes for people to read: `512 bytes`, `1.5 MiB`.
pub(crate) fn bytes(bytes: u64) -> String {
    const UNITS: &[&str] = &["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    // What would be shown as 1024.0 belongs to the next unit.
    let unit = |at: usize| (bytes as f64) / (1_u128 << (10 * (at + 1))) as f64;
    match UNITS.iter().enumerate().find(|(at, _)| unit(*at) < 1023.95) {
        _ if bytes < 1024 => format!("{bytes} bytes"),
        Some((at, name)) => format!("{:.1} {name}", unit(at)),
        None => format!("{bytes} bytes"),
    }
}

/// A number of bytes as people type it: `8MiB`, and `600001 bytes` where no unit divides it.
pub(crate) fn exact(bytes: u64) -> String {
    match bytes {
        _ if bytes.is_multiple_of(1 << 20) => format!("{}MiB", bytes >> 20),
        _ if bytes.is_multiple_of(1 << 10) => format!("{}KiB", bytes >> 10),
        _ => format!("{bytes} bytes"),
    }
}

/// A duration for people to read, to the unit that matters: `5 s`, `3 min`, `2 h`, `4 d`.
pub(crate) fn rough(duration: Duration) -> String {
    match duration.as_secs() {
        seconds @ 0..60 => format!("{seconds} s"),
        seconds @ 60..3600 => format!("{} min", seconds / 60),
        seconds @ 3600..86400 => format!("{} h", seconds / 3600),
        seconds => format!("{} d", seconds / 86400),
    }
}

/// Splits `text` after the characters that `take` accepts.
fn split(text: &str, take: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(|c| !take(c)).unwrap_or(text.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_as_people_type_them() {
        for (text, millis) in [
            ("500ms", 500),
            ("5s", 5_000),
            ("1m", 60_000),
            ("2min", 120_000),
            ("1h", 3_600_000),
            ("1.5s", 1_500),
            ("1m30s", 90_000),
            ("2000us", 2),
            ("3000000ns", 3),
            ("8760h", 31_536_000_000),
        ] {
            assert_eq!(duration(text), Ok(Duration::from_millis(millis)), "{text}");
        }
    }

    #[test]
    fn durations_that_are_refused_name_the_fix() {
        for (text, fix) in [
            ("5", "write `5s` for seconds or `5ms`"),
            ("1m30", "write `1m30s`"),
            ("", "`500ms`"),
            ("s", "is not a duration"),
            ("-1s", "is not a duration"),
            ("1e3s", "is not a unit of time"),
            ("5 s", "is not a unit of time"),
            ("1.2.3s", "is not a duration"),
            (".s", "is not a duration"),
            ("5parsec", "is not a unit of time"),
            ("0s", "leave the option out"),
            ("0", "leave the option out"),
            ("0.0", "leave the option out"),
            ("1m0", "write `1m0s`"),
            ("8761h", "too long"),
            ("99999999999999999999999999h", "too long"),
        ] {
            let error = duration(text).expect_err(text);
            assert!(error.contains(fix), "{text}: {error}");
        }
    }

    #[test]
    fn sizes_as_people_type_them() {
        for (text, bytes) in [
            ("8388608", 8 << 20),
            ("8M", 8 << 20),
            ("8MiB", 8 << 20),
            ("8mib", 8 << 20),
            ("8192K", 8 << 20),
            ("512KiB", 512 << 10),
            ("1G", 1 << 30),
            ("100b", 100),
        ] {
            assert_eq!(size(text), Ok(bytes), "{text}");
        }
    }

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

    #[test]
    fn sizes_that_are_refused_name_the_fix() {
        for (text, fix) in [
            ("8MB", "write `8MiB`"),
            ("8kb", "write `8KiB`"),
            ("", "is not a size"),
            ("M", "is not a size"),
            ("-8M", "is not a size"),
            ("1.5M", "is not a size"),
            ("8T", "is not a size"),
            ("8 M", "is not a size"),
            ("99999999999999999999", "too large"),
            ("99999999999999G", "too large"),
        ] {
            let error = size(text).expect_err(text);
            assert!(error.contains(fix), "{text}: {error}");
        }
    }
}
