//! Parses durations and sizes as people type them. The error is the reason with the fix.

use std::time::Duration;

/// Reads `500ms`, `5s`, `1.5m`, `1m30s`. A number without a unit is refused, because it could mean seconds or milliseconds.
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
            // Zero needs no unit: the message below is about zero.
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
            "`{text}` is zero: leave the option out to run without a deadline"
        ));
    }
    Ok(total)
}

/// A year. Longer deadlines are mistakes and could overflow the arithmetic of clocks.
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
