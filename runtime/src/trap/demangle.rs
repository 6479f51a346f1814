//! Demangles names: from the symbols of Rust and C++ compilers to the names in the source.
//!
//! Input: symbols. Output: the names of those symbols that have one. Must not hold: backtraces.
//!
//! The symbols come from the module, and a hostile symbol of a few hundred bytes can cause years of work. So the length of a name
//! is limited. The grammar of C++ symbols is ambiguous, so they are also limited in time. A symbol beyond a limit stays as it is.

use std::collections::BTreeMap;
use std::fmt::{self, Write};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

/// Largest length of a symbol in bytes. Longer symbols stay as they are.
const LONGEST_SYMBOL: usize = 4 << 10;

/// Largest length of a name in bytes.
const LONGEST_NAME: usize = 4 << 10;

/// Longest time to wait for the names of a backtrace. Usual programs take microseconds.
const PATIENCE: Duration = Duration::from_millis(100);

/// Largest nesting of the parts of a C++ symbol. It bounds the time that an abandoned thread goes on working. 99 of 100 symbols
/// of LLVM nest less.
const DEEPEST: u32 = 32;

/// Size in bytes of the stack of a thread that demangles.
const STACK: usize = 1 << 20;

/// Returns the names of those symbols that have one.
pub(super) fn demangle<'a>(symbols: impl Iterator<Item = &'a str>) -> BTreeMap<String, String> {
    let mut names = BTreeMap::new();
    let mut cpp = Vec::new();
    for symbol in symbols.filter(|symbol| symbol.len() <= LONGEST_SYMBOL) {
        if symbol.starts_with("_Z") && !is_old_rust(symbol) {
            if !cpp.iter().any(|known| known == symbol) {
                cpp.push(symbol.to_owned());
            }
        } else if !names.contains_key(symbol)
            && let Ok(name) = rustc_demangle::try_demangle(symbol)
        {
            let mut limited = Limited(String::new());
            if write!(limited, "{name:#}").is_ok() {
                names.insert(symbol.to_owned(), limited.0);
            }
        }
    }
    if !cpp.is_empty() {
        demangle_cpp(cpp, &mut names);
    }
    names
}

/// Returns true for Rust's older form (`_ZN…17h<hash>E`), which looks like a C++ symbol.
fn is_old_rust(symbol: &str) -> bool {
    rustc_demangle::try_demangle(symbol).is_ok()
}

/// Adds the names of C++ symbols that are found in time.
fn demangle_cpp(symbols: Vec<String>, names: &mut BTreeMap<String, String>) {
    let end = Instant::now() + PATIENCE;
    let (found, finds) = mpsc::channel();
    let worker = thread::Builder::new().name("demangle".into()).stack_size(STACK);
    let started = worker.spawn(move || {
        for symbol in symbols {
            if Instant::now() >= end {
                return;
            }
            if let Some(name) = cpp_name(&symbol)
                && found.send((symbol, name)).is_err()
            {
                return;
            }
        }
    });
    if let Err(error) = started {
        log::debug!("backtrace: names of C++ functions stay mangled: no thread: {error}");
        return;
    }
    loop {
        match finds.recv_timeout(end.saturating_duration_since(Instant::now())) {
            Ok((symbol, name)) => drop(names.insert(symbol, name)),
            Err(mpsc::RecvTimeoutError::Disconnected) => return,
            Err(mpsc::RecvTimeoutError::Timeout) => {
                log::debug!("backtrace: names of C++ functions stay mangled: they take too long");
                return;
            }
        }
    }
}

fn cpp_name(symbol: &str) -> Option<String> {
    let parse = cpp_demangle::ParseOptions::default().recursion_limit(DEEPEST);
    let symbol = cpp_demangle::Symbol::new_with_options(symbol, &parse).ok()?;
    let mut name = Limited(String::new());
    symbol.structured_demangle(&mut name, &Default::default()).ok()?;
    Some(name.0)
}

/// A text that does not grow beyond [`LONGEST_NAME`].
struct Limited(String);

impl Write for Limited {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if self.0.len() + text.len() > LONGEST_NAME {
            return Err(fmt::Error);
        }
        self.0.push_str(text);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(symbol: &str) -> Option<String> {
        demangle([symbol].into_iter()).remove(symbol)
    }

    #[test]
    fn symbols_of_each_compiler_have_names() {
        for (symbol, expected) in [
            ("_ZN5outer5inner3runEi", "outer::inner::run(int)"),
            ("_Z4swapIiEvRT_S1_", "void swap<int>(int&, int&)"),
            (
                "_ZNSt3__26vectorIiNS_9allocatorIiEEE9push_backEOi",
                "std::__2::vector<int, std::__2::allocator<int> >::push_back(int&&)",
            ),
            ("_ZN4core9panicking5panic17h0123456789abcdefE", "core::panicking::panic"),
            ("_RNvC7mycrate3foo", "mycrate::foo"),
        ] {
            assert_eq!(name(symbol).as_deref(), Some(expected), "{symbol}");
        }
        for plain in ["main", "", "_Z", "_ZN", "_R", "_Zäöü", "_Rä"] {
            assert_eq!(name(plain), None, "{plain}");
        }
    }

    #[test]
    fn a_symbol_that_asks_for_endless_work_stays_as_it_is() {
        // Each type contains the one before it twice.
        let doubling = |times: u32| {
            let digit = |number| char::from_digit(number, 36).expect("small").to_ascii_uppercase();
            let twice = |number| format!("S_IS{0}_S{0}_E", digit(number));
            let types: String = (0..times).map(twice).collect();
            format!("_Z1f1aIiiE{types}")
        };
        let doubling_rust = format!("_RMC0{}uuE{}", "T".repeat(20), "B3_E".repeat(19));
        let started = Instant::now();
        for symbol in [
            doubling(24),
            // There are many ways to read this symbol, and all of them fail.
            format!("_Z1fIX{}", "nw".repeat(26)),
            format!("_ZcvvDT{}", "nw".repeat(26)),
            format!("_ZZZ{}", "C1".repeat(500)),
            format!("_Z1f{}i", "P".repeat(3000)),
            format!("_Z{}", "N".repeat(100_000)),
            format!("_R{}", "I".repeat(100_000)),
            format!("_R{}", "I".repeat(4000)),
            doubling_rust,
        ] {
            assert_eq!(name(&symbol), None, "{symbol:.100}");
        }
        assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
        assert!(name(&doubling(3)).is_some());
    }

    #[test]
    fn many_symbols_that_ask_for_much_work_are_not_waited_for() {
        // Each symbol takes about 10 ms.
        let symbols: Vec<_> = (0..1000)
            .map(|index| format!("_ZnwilDt{}{index}", "nw".repeat(16)))
            .collect();
        let started = Instant::now();
        assert!(demangle(symbols.iter().map(String::as_str)).is_empty());
        assert!(started.elapsed() < Duration::from_secs(3), "{:?}", started.elapsed());
    }

    #[test]
    fn a_symbol_that_asks_for_too_much_leaves_others_their_names() {
        let endless = format!("_Z1fIX{}", "nw".repeat(26));
        let symbols = ["_Z1av", &endless, "_RNvC1c1d", "_Z1av"];
        let names = demangle(symbols.into_iter());
        assert_eq!(names.get("_Z1av").map(String::as_str), Some("a()"));
        assert_eq!(names.get("_RNvC1c1d").map(String::as_str), Some("c::d"));
        assert_eq!(names.len(), 2);
    }
}
