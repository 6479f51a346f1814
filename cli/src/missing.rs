//! A guess at why imports are missing: their names in, the likely reason with its fix out.
//!
//! Toolchains leave their mark in the names of what a module imports.

use wrun_runtime::{ExternType, ImportsError, MissingImport};

/// A kind of module that needs another host: how its imports look, and what to do about it.
struct Kind {
    matches: fn(&MissingImport) -> bool,
    reason: &'static str,
}

/// The more telling the mark, the earlier.
const KINDS: &[Kind] = &[
    Kind {
        matches: |import| import.module.starts_with("wasi:") || import.module.starts_with("cm32p2|"),
        reason: "made for the component model, WASI 0.2: only core modules with WASI preview 1 run today, build for wasm32-wasip1",
    },
    Kind {
        matches: |import| import.module == "wasi" && import.name == "thread-spawn",
        reason: "built for wasi-threads, which wrun does not support yet: build for wasm32-wasip1",
    },
    Kind {
        matches: |import| import.module.starts_with("wasix_"),
        reason: "built for WASIX, wasmer's own extension of WASI: build for wasm32-wasip1",
    },
    Kind {
        matches: |import| {
            import.module.contains("wbindgen") || import.module == "wbg" || import.name.starts_with("__wbindgen")
        },
        reason: "built with wasm-bindgen for a browser or Node.js: build for wasm32-wasip1",
    },
    Kind {
        matches: |import| matches!(import.module.as_str(), "go" | "gojs"),
        reason: "built by Go for a browser: build with GOOS=wasip1 GOARCH=wasm",
    },
    Kind {
        matches: |import| matches!(import.module.as_str(), "GOT.mem" | "GOT.func") || import.name == "__memory_base",
        reason: "a shared library, to be linked into a program: link statically",
    },
    Kind {
        matches: |import| import.module == "env" && is_emscripten(&import.name),
        reason: "built by Emscripten for a browser or Node.js: build with -sSTANDALONE_WASM, or with wasi-sdk",
    },
    Kind {
        matches: |import| import.module == "a" && import.name.len() <= 2,
        reason: "built by Emscripten for a browser, with shortened names: build with -sSTANDALONE_WASM, or with wasi-sdk",
    },
    Kind {
        matches: |import| matches!(import.module.as_str(), "wasi_snapshot_preview1" | "wasi_unstable"),
        reason: "no function of WASI preview 1, but an extension of another runtime",
    },
];

/// Whether a name of `env` is one that Emscripten's JavaScript gives.
fn is_emscripten(name: &str) -> bool {
    const PREFIXES: &[&str] = &[
        "invoke_",
        "emscripten_",
        "_emscripten_",
        "__syscall_",
        "_embind_",
        "__cxa_",
        "__asyncjs__",
        "_tzset_js",
        "_mmap_js",
    ];
    PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

/// The likely reason, with the fix.
pub(crate) fn likely_reason(error: &ImportsError) -> Option<String> {
    if error.missing.is_empty() {
        return None;
    }
    let known = KINDS.iter().find(|kind| error.missing.iter().any(kind.matches));
    let reason = known.map_or("built for another host", |kind| kind.reason);
    let only_functions = error
        .missing
        .iter()
        .all(|import| matches!(import.ty, ExternType::Func(_)));
    // A module for another host may still do something of use as long as it calls none of these.
    let also = if only_functions && error.incompatible.is_empty() {
        "; --unknown-imports trap runs it until it calls one of them"
    } else {
        ""
    };
    Some(format!("{reason}{also}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use wrun_runtime::{FuncType, MemoryType};

    fn reason(imports: &[(&str, &str)]) -> String {
        let ty = ExternType::Func(FuncType::default());
        let missing = imports
            .iter()
            .map(|(module, name)| MissingImport {
                module: (*module).into(),
                name: (*name).into(),
                ty: ty.clone(),
            })
            .collect();
        likely_reason(&ImportsError {
            missing,
            incompatible: Vec::new(),
        })
        .expect("something is missing")
    }

    #[test]
    fn each_toolchain_is_known_by_its_marks() {
        for (imports, part) in [
            (&[("wasi:cli/stdout@0.2.0", "get-stdout")][..], "component model"),
            (&[("env", "invoke_vii"), ("wasi", "thread-spawn")], "wasi-threads"),
            (&[("wasix_32v1", "futex_wait")], "WASIX"),
            (&[("./app_bg.js", "__wbindgen_throw")], "wasm-bindgen"),
            (&[("__wbindgen_placeholder__", "x")], "wasm-bindgen"),
            (&[("gojs", "runtime.wasmExit")], "GOOS=wasip1"),
            (&[("env", "other"), ("env", "emscripten_resize_heap")], "Emscripten"),
            (&[("env", "invoke_iii")], "Emscripten"),
            (&[("a", "b")], "shortened names"),
            (&[("GOT.func", "f")], "shared library"),
            (
                &[("wasi_snapshot_preview1", "sock_open")],
                "extension of another runtime",
            ),
            (&[("env", "my_function")], "another host"),
        ] {
            let reason = reason(imports);
            assert!(
                reason.contains(part) && reason.contains("--unknown-imports trap"),
                "{imports:?}: {reason}"
            );
        }
    }

    #[test]
    fn only_functions_can_be_replaced() {
        let missing = vec![MissingImport {
            module: "env".into(),
            name: "memory".into(),
            ty: ExternType::Memory(MemoryType { min: 1, max: None }),
        }];
        let reason = likely_reason(&ImportsError {
            missing,
            incompatible: Vec::new(),
        });
        assert_eq!(reason.as_deref(), Some("built for another host"));
    }
}
