//! A guess at why imports are missing or of another type: their names in, the likely reason with its fix out.
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
    ];
    const NAMES: &[&str] = &["__assert_fail", "__call_sighandler", "getTempRet0", "setTempRet0"];
    // What C's library leaves to JavaScript: `_abort_js`, `_mmap_js` and so on.
    let in_javascript = name.starts_with('_') && name.ends_with("_js");
    in_javascript || NAMES.contains(&name) || PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

/// The reason for what is missing when nothing is known about it.
const OTHER_HOST: &str = "built for another host";

/// The reason for functions that are there, but not with the module's types.
const OTHER_DECLARATIONS: &str = "built with other declarations of WASI's functions than those of preview 1: \
                                  rebuild it with a current toolchain, such as wasi-sdk or Rust's wasm32-wasip1";

/// The likely reason, with the fix. `has_entry` says whether the module could be called as was asked for.
pub(crate) fn likely_reason(error: &ImportsError, has_entry: bool) -> String {
    let known = KINDS.iter().find(|kind| error.missing.iter().any(kind.matches));
    let reason = match known {
        Some(kind) => kind.reason,
        None if error.incompatible.is_empty() => OTHER_HOST,
        None => OTHER_DECLARATIONS,
    };
    let only_functions = error
        .missing
        .iter()
        .all(|import| matches!(import.ty, ExternType::Func(_)));
    // A module for another host may still do something of use as long as it calls none of these, unless it has to be built as a
    // program first.
    let helps = only_functions && error.incompatible.is_empty() && (has_entry || known.is_none());
    let also = if helps {
        "; --unknown-imports trap does without them until one is called"
    } else {
        ""
    };
    format!("{reason}{also}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use wrun_runtime::{FuncType, IncompatibleImport, IndexType, MemoryType};

    fn missing(module: &str, name: &str, ty: ExternType) -> MissingImport {
        MissingImport {
            module: module.into(),
            name: name.into(),
            ty,
        }
    }

    fn reason(imports: &[(&str, &str)]) -> String {
        let missing = imports
            .iter()
            .map(|(module, name)| missing(module, name, ExternType::Func(FuncType::default())))
            .collect();
        let incompatible = Vec::new();
        likely_reason(&ImportsError { missing, incompatible }, true)
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
            (&[("env", "_abort_js")], "Emscripten"),
            (&[("env", "_localtime_js")], "Emscripten"),
            (&[("env", "_dlopen_js")], "Emscripten"),
            (&[("env", "__assert_fail")], "Emscripten"),
            (&[("env", "__call_sighandler")], "Emscripten"),
            (&[("env", "setTempRet0")], "Emscripten"),
            (&[("env", "my_js")], "another host"),
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
        let memory = ExternType::Memory(MemoryType {
            index: IndexType::I32,
            min: 1,
            max: None,
        });
        let error = ImportsError {
            missing: vec![missing("env", "memory", memory)],
            incompatible: Vec::new(),
        };
        assert_eq!(likely_reason(&error, true), OTHER_HOST);
    }

    #[test]
    fn a_module_without_entry_is_told_to_go_on_only_if_nothing_better_is_known() {
        for (name, helps) in [("_abort_js", false), ("my_function", true)] {
            let error = ImportsError {
                missing: vec![missing("env", name, ExternType::Func(FuncType::default()))],
                incompatible: Vec::new(),
            };
            let reason = likely_reason(&error, false);
            assert_eq!(reason.contains("--unknown-imports trap"), helps, "{reason}");
        }
    }

    #[test]
    fn a_function_of_another_type_is_a_matter_of_declarations() {
        let incompatible = IncompatibleImport {
            module: "wasi_snapshot_preview1".into(),
            name: "fd_write".into(),
            wanted: "func (i32) -> ()".into(),
            given: "func () -> ()".into(),
        };
        for (name, part) in [
            (None, "preview 1: rebuild it with a current toolchain"),
            (Some("my_function"), "preview 1: rebuild it with a current toolchain"),
            (Some("_abort_js"), "Emscripten"),
        ] {
            let function = |name| missing("env", name, ExternType::Func(FuncType::default()));
            let error = ImportsError {
                missing: name.into_iter().map(function).collect(),
                incompatible: vec![incompatible.clone()],
            };
            let reason = likely_reason(&error, true);
            assert!(reason.contains(part) && !reason.contains("--unknown"), "{reason}");
        }
    }
}
