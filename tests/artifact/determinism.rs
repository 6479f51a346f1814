//! Equal modules and settings give equal bytes for any number of threads and any order of compilation. Different settings give
//! different bytes.

use std::num::NonZeroUsize;

use wrun_compiler::{Config, Options, compile};
use wrun_runtime::MemoryMode;

use crate::{artifact, example, many_functions};

#[test]
fn threads_and_order_do_not_show() {
    for wasm in [example(), many_functions(300)] {
        let config = Config::native();
        let expected = artifact(&wasm, &config);
        for threads in [1, 2, 5] {
            for shuffle in [None, Some(1), Some(2), Some(0xdead_beef)] {
                let options = Options {
                    threads: NonZeroUsize::new(threads),
                    shuffle,
                    ..Options::default()
                };
                let (bytes, _) = compile(&wasm, &config, &options).expect("the module is valid");
                assert!(
                    bytes == expected,
                    "{threads} threads and order {shuffle:?} give other bytes"
                );
            }
        }
    }
}

#[test]
fn the_verifier_does_not_show() {
    let wasm = example();
    let of = |verify| {
        let options = Options {
            verify,
            ..Options::default()
        };
        compile(&wasm, &Config::native(), &options)
            .expect("the module is valid")
            .0
    };
    assert!(of(true) == of(false));
}

#[test]
fn each_setting_shows() {
    let wasm = example();
    let native = Config::native();
    let base = artifact(&wasm, &native);
    let others = [
        Config {
            memory: MemoryMode::Checked,
            ..native
        },
        Config {
            address_map: false,
            ..native
        },
        Config {
            padding: 4096,
            ..native
        },
    ];
    for config in others {
        assert!(artifact(&wasm, &config) != base, "{config:?} gives the same bytes");
    }
}
