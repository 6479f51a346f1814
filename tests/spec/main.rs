//! The official test suite: every directive of every file, with one test per file.
//!
//! ```text
//! plain::…     with the settings of a run without options
//! checked::…   with checked memories, which move when they grow
//! padded::…    with 64 KiB between functions
//! far::…       with 1 MiB between functions, for the files about calls
//! ```
//!
//! `skipped` lists the directives that wrun does not satisfy, and why. The tests use only the public API of `wrun-runtime`.

#[macro_use]
mod files;
mod legacy;
mod refusal;
mod run;
mod skipped;
mod spectest;
mod suite;
mod value;

use run::Mode;
use suite::Suite;

macro_rules! tests {
    ($mode:ident $suite:ident $($file:ident)*) => {
        pub(crate) const FILES: &[&str] = &[$(stringify!($file)),*];
        $(
            #[test]
            fn $file() {
                crate::run::file(crate::Suite::$suite, stringify!($file), crate::Mode::$mode);
            }
        )*
    };
}

mod plain {
    every_file!(Plain);
}

mod checked {
    every_file!(Checked);
}

mod padded {
    every_file!(Padded);
}

mod far {
    tests!(Far V2 call call_indirect fac func_ptrs imports left_to_right linking start);

    #[test]
    fn the_files_are_among_all() {
        assert!(FILES.iter().all(|file| crate::plain::v2::FILES.contains(file)));
    }
}

#[test]
fn no_file_of_the_suite_is_missing() {
    macro_rules! suites {
        ($($suite:ident $module:ident $count:literal)*) => {
            [$((
                Suite::$suite,
                $count,
                [plain::$module::FILES, checked::$module::FILES, padded::$module::FILES],
            )),*]
        };
    }
    let suites = suites! {
        V2 v2 90
        V3 v3 97
        Simd simd 59
        ExtendedConst extended_const 3
        Exceptions exceptions 4
        TailCall tail_call 2
        FunctionReferences function_references 26
        Atomics atomics 1
        WideArithmetic wide_arithmetic 1
        RelaxedSimd relaxed_simd 7
        MultiMemory multi_memory 41
        Memory64 memory64 14
        CustomPageSizes custom_page_sizes 5
    };
    for (suite, count, modes) in suites {
        let names: Vec<_> = suite.files().map(|file| suite::identifier(&file.name)).collect();
        assert_eq!(names.len(), count, "{suite:?}");
        for tested in modes {
            let tested: Vec<_> = tested.iter().map(|name| suite::identifier(name)).collect();
            assert_eq!(names, tested, "{suite:?}");
        }
    }
}
