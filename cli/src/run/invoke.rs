//! `--invoke`: converts words of the command line to the parameters of a function, and its results to text.
//!
//! Numbers are read and written as in the text format of wasm, floats in decimal. A function without parameters finds the words
//! in the guest's argv, as the exported commands of reactors expect.

use std::ffi::OsString;

use wrun_runtime::{FuncType, ValType, Value};

/// Reads one word for each parameter. The error message names the function and its type.
pub(crate) fn arguments(name: &str, ty: &FuncType, words: &[OsString]) -> Result<Vec<Value>, String> {
    let params = ty.params();
    if let Some(param) = params.iter().find(|param| !is_number(**param)) {
        return Err(format!(
            "`{name}` has the type {ty}, and values of type {param} cannot be given on the command line"
        ));
    }
    if params.is_empty() {
        return Ok(Vec::new());
    }
    if params.len() != words.len() {
        let plural = if params.len() == 1 { "" } else { "s" };
        return Err(format!(
            "`{name}` has the type {ty}: it takes {} argument{plural}, but {} came after the module",
            params.len(),
            words.len()
        ));
    }
    params
        .iter()
        .zip(words)
        .map(|(param, word)| {
            let text = word.to_str().unwrap_or_default();
            number(*param, text).ok_or_else(|| {
                format!(
                    "`{}` is not {}: `{name}` has the type {ty}",
                    word.display(),
                    expected(*param)
                )
            })
        })
        .collect()
}

fn is_number(ty: ValType) -> bool {
    matches!(ty, ValType::I32 | ValType::I64 | ValType::F32 | ValType::F64)
}

fn expected(ty: ValType) -> &'static str {
    match ty {
        ValType::I32 => "an i32 (a whole number from -2147483648 to 4294967295, or in hexadecimal with 0x)",
        ValType::I64 => {
            "an i64 (a whole number from -9223372036854775808 to 18446744073709551615, or in hexadecimal with 0x)"
        }
        ValType::F32 => "an f32 (a decimal number up to 3.4028235e38, inf or nan)",
        ValType::F64 => "an f64 (a decimal number up to 1.7976931348623157e308, inf or nan)",
        ValType::V128 | ValType::Ref(_) => "a value that can be typed",
    }
}

/// Parses `text` as a value of the type `ty`.
fn number(ty: ValType, text: &str) -> Option<Value> {
    match ty {
        ValType::I32 => {
            let value = integer(text)?;
            let signed = i32::try_from(value).ok();
            signed
                .or_else(|| u32::try_from(value).ok().map(u32::cast_signed))
                .map(Value::I32)
        }
        ValType::I64 => {
            let value = integer(text)?;
            let signed = i64::try_from(value).ok();
            signed
                .or_else(|| u64::try_from(value).ok().map(u64::cast_signed))
                .map(Value::I64)
        }
        ValType::F32 => {
            let bits = match payload(text, 23)? {
                Some(bits) => u32::try_from(bits & 0x7fff_ffff).ok()? | if text.starts_with('-') { 1 << 31 } else { 0 },
                None => {
                    let value = text.parse::<f32>().ok()?;
                    in_range(text, value.is_infinite()).then_some(value.to_bits())?
                }
            };
            Some(Value::F32(bits))
        }
        ValType::F64 => {
            let bits = match payload(text, 52)? {
                Some(bits) => bits | if text.starts_with('-') { 1 << 63 } else { 0 },
                None => {
                    let value = text.parse::<f64>().ok()?;
                    in_range(text, value.is_infinite()).then_some(value.to_bits())?
                }
            };
            Some(Value::F64(bits))
        }
        ValType::V128 | ValType::Ref(_) => None,
    }
}

/// Returns false for a float that became infinite although the text is a number: it is too large.
fn in_range(text: &str, is_infinite: bool) -> bool {
    !is_infinite || !text.contains(|c: char| c.is_ascii_digit())
}

/// Parses a whole number of at most 64 bits, decimal or hexadecimal, with or without a sign.
fn integer(text: &str) -> Option<i128> {
    let (negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let (digits, radix) = match digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
        Some(digits) => (digits, 16),
        None => (digits, 10),
    };
    // `from_str_radix` would accept a second sign.
    if !digits.starts_with(|c: char| c.is_ascii_hexdigit()) {
        return None;
    }
    let value = i128::from(u64::from_str_radix(digits, radix).ok()?);
    Some(if negative { -value } else { value })
}

/// Returns the bits (without the sign) of a NaN typed as `nan` or `nan:0x…`, for a float with this many bits of mantissa. The
/// inner `None` stands for text that is not a NaN, the outer `None` for an invalid payload.
fn payload(text: &str, mantissa: u32) -> Option<Option<u64>> {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let canonical = 1 << (mantissa - 1);
    let Some(rest) = unsigned
        .get(..3)
        .filter(|start| start.eq_ignore_ascii_case("nan"))
        .map(|_| &unsigned[3..])
    else {
        return Some(None);
    };
    let payload = match rest.strip_prefix(":0x") {
        None if rest.is_empty() => canonical,
        None => return None,
        Some(digits) if digits.starts_with(|c: char| c.is_ascii_hexdigit()) => u64::from_str_radix(digits, 16).ok()?,
        Some(_) => return None,
    };
    if payload == 0 || payload >= 1 << mantissa {
        return None;
    }
    // All bits of the exponent are set. The sign is the 32nd or the 64th bit.
    let exponent = if mantissa == 23 { 0xff << 23 } else { 0x7ff << 52 };
    Some(Some(exponent | payload))
}

/// Formats the results, one per line.
pub(crate) fn results(values: &[Value]) -> String {
    values.iter().map(|value| show(value) + "\n").collect()
}

fn show(value: &Value) -> String {
    match value {
        Value::I32(value) => value.to_string(),
        Value::I64(value) => value.to_string(),
        Value::F32(bits) => {
            let value = f32::from_bits(*bits);
            decimal(
                format!("{value:?}"),
                value.is_nan(),
                *bits >> 31 == 1,
                u64::from(*bits & 0x7f_ffff),
                1 << 22,
            )
        }
        Value::F64(bits) => {
            let value = f64::from_bits(*bits);
            decimal(
                format!("{value:?}"),
                value.is_nan(),
                *bits >> 63 == 1,
                *bits & ((1 << 52) - 1),
                1 << 51,
            )
        }
        Value::V128(value) => format!("{value:#034x}"),
        Value::FuncRef(None) | Value::ExternRef(None) | Value::ExnRef(None) => "null".to_owned(),
        Value::FuncRef(Some(_)) => "funcref".to_owned(),
        Value::ExternRef(Some(_)) => "externref".to_owned(),
        Value::ExnRef(Some(_)) => "exnref".to_owned(),
    }
}

/// Returns the shortest text that reads back as the same float. `digits` is the text that Rust gives. A NaN is written with its
/// sign and, unless it is canonical, with its payload.
fn decimal(digits: String, nan: bool, negative: bool, payload: u64, canonical: u64) -> String {
    if !nan {
        return digits.strip_suffix(".0").map(str::to_owned).unwrap_or(digits);
    }
    let sign = if negative { "-" } else { "" };
    if payload == canonical {
        format!("{sign}nan")
    } else {
        format!("{sign}nan:{payload:#x}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_become_values_of_the_parameters_type() {
        use ValType::{F32, F64, I32, I64};
        for (ty, text, value) in [
            (I32, "0", Value::I32(0)),
            (I32, "-1", Value::I32(-1)),
            (I32, "+7", Value::I32(7)),
            (I32, "4294967295", Value::I32(-1)),
            (I32, "-2147483648", Value::I32(i32::MIN)),
            (I32, "0xffffffff", Value::I32(-1)),
            (I32, "-0x80000000", Value::I32(i32::MIN)),
            (I64, "18446744073709551615", Value::I64(-1)),
            (I64, "-9223372036854775808", Value::I64(i64::MIN)),
            (I64, "0XFF", Value::I64(255)),
            (F32, "1.5", Value::F32(1.5f32.to_bits())),
            (F32, "-0", Value::F32(0x8000_0000)),
            (F32, "inf", Value::F32(0x7f80_0000)),
            (F32, "3.4028235e38", Value::F32(f32::MAX.to_bits())),
            (F32, "1e-99", Value::F32(0)),
            (F64, "-Infinity", Value::F64(f64::NEG_INFINITY.to_bits())),
            (F64, "1.7976931348623157e308", Value::F64(f64::MAX.to_bits())),
            (F32, "nan", Value::F32(0x7fc0_0000)),
            (F32, "-nan", Value::F32(0xffc0_0000)),
            (F32, "nan:0x1", Value::F32(0x7f80_0001)),
            (F64, "1e300", Value::F64(1e300f64.to_bits())),
            (F64, "-inf", Value::F64(f64::NEG_INFINITY.to_bits())),
            (F64, "NaN", Value::F64(0x7ff8 << 48)),
            (F64, "-nan:0x8000000000001", Value::F64(0xfff8_0000_0000_0001)),
            (F64, "3", Value::F64(3f64.to_bits())),
        ] {
            let read = number(ty, text).unwrap_or_else(|| panic!("{text} is an {ty}"));
            assert_eq!(format!("{read:?}"), format!("{value:?}"), "{ty} {text}");
        }
    }

    #[test]
    fn words_that_are_no_such_number_are_refused() {
        use ValType::{F32, F64, I32, I64, V128};
        for (ty, texts) in [
            (
                I32,
                &[
                    "",
                    "-",
                    "x",
                    "1.0",
                    "4294967296",
                    "-2147483649",
                    "0x",
                    "--1",
                    "+-1",
                    "0x+1",
                    "1_000",
                    " 1",
                    "ff",
                    "nan",
                ][..],
            ),
            (I64, &["18446744073709551616", "-9223372036854775809", "1e3"]),
            (
                F32,
                &[
                    "",
                    "one",
                    "0x1p3",
                    "nan:",
                    "nan:0x",
                    "nan:0x0",
                    "nan:0x800000",
                    "nan:0x+1",
                    "nano",
                    "1,5",
                    "1e39",
                    "-3.5e38",
                ],
            ),
            (F64, &["nan:0x10000000000000", "--1", "1.5.2", "1e309", "-1e999"]),
            (V128, &["0"]),
            (ValType::FUNCREF, &["null"]),
        ] {
            for text in texts {
                assert!(number(ty, text).is_none(), "{ty} `{text}`");
            }
        }
    }

    #[test]
    fn results_read_back_as_the_same_values() {
        for (value, text) in [
            (Value::I32(-1), "-1"),
            (Value::I64(i64::MIN), "-9223372036854775808"),
            (Value::F32(0.1f32.to_bits()), "0.1"),
            (Value::F32(0x7fc0_0000), "nan"),
            (Value::F32(0xff80_0001), "-nan:0x1"),
            (Value::F64(3f64.to_bits()), "3"),
            (Value::F64(1e300f64.to_bits()), "1e300"),
            (Value::F64((-0f64).to_bits()), "-0"),
            (Value::F64(f64::NEG_INFINITY.to_bits()), "-inf"),
            (Value::F64(0x7ff8_0000_0000_0001), "nan:0x8000000000001"),
            (Value::V128(0xff), "0x000000000000000000000000000000ff"),
            (Value::FuncRef(None), "null"),
        ] {
            assert_eq!(show(&value), text);
            let ty = match value {
                Value::I32(_) => ValType::I32,
                Value::I64(_) => ValType::I64,
                Value::F32(_) => ValType::F32,
                Value::F64(_) => ValType::F64,
                _ => continue,
            };
            assert_eq!(
                format!("{:?}", number(ty, text)),
                format!("{:?}", Some(value)),
                "{text}"
            );
        }
        assert_eq!(results(&[Value::I32(1), Value::I64(2)]), "1\n2\n");
    }

    #[test]
    fn wrong_arguments_name_the_functions_type() {
        let binary = FuncType::new([ValType::I32, ValType::F64], [ValType::I32]);
        let vector = FuncType::new([ValType::V128], []);
        for (ty, words, part) in [
            (&binary, &["1"][..], "it takes 2 arguments, but 1 came after the module"),
            (&binary, &["1", "2", "3"], "it takes 2 arguments, but 3 came"),
            (&binary, &["1.5", "2"], "`1.5` is not an i32"),
            (&binary, &["1", "two"], "`two` is not an f64"),
            (
                &binary,
                &["1", "1e309"],
                "`1e309` is not an f64 (a decimal number up to 1.7976931348623157e308, inf or nan)",
            ),
            (&vector, &["0"], "values of type v128 cannot be given"),
        ] {
            let words: Vec<OsString> = words.iter().map(OsString::from).collect();
            let error = arguments("f", ty, &words).expect_err("these do not fit");
            assert!(
                error.contains(part) && error.contains(&format!("`f` has the type {ty}")),
                "{error}"
            );
        }
    }
}
