//! Guesses why imports are missing or have another type. Input: their names. Output: the likely reason with its fix.
//!
//! Most toolchains can be recognised by the names of a module's imports.

use wrun_runtime::{ExternType, ImportsError, Linkage, MissingImport, ValType};

/// Facts about a module besides its imports.
#[derive(Copy, Clone, Debug)]
pub(crate) struct Traits {
    /// True if the module has the export that the run would call.
    pub(crate) has_entry: bool,
    /// True if it exports `_start`.
    pub(crate) has_start: bool,
    /// The role of a linker for the module, if it is known.
    pub(crate) linkage: Linkage,
}

impl Traits {
    /// The traits of a module whose sections are not known.
    pub(crate) const UNKNOWN: Self = Self {
        has_entry: true,
        has_start: true,
        linkage: Linkage::None,
    };
}

/// A kind of module that needs another host: how to recognise it, and the cause with the fix.
struct Kind {
    matches: fn(&MissingImport, Traits) -> bool,
    reason: &'static str,
}

/// The kinds of modules, the most reliably recognised first.
const KINDS: &[Kind] = &[
    Kind {
        matches: |import, traits| {
            traits.linkage == Linkage::Object || (import.module == "env" && import.name == "__linear_memory")
        },
        reason: OBJECT,
    },
    Kind {
        matches: |import, _| import.module.starts_with("wasi:") || import.module.starts_with("cm32p2|"),
        reason: "made for the component model (WASI 0.2), and wrun runs core modules with WASI preview 1: build for wasm32-wasip1",
    },
    Kind {
        matches: |import, _| import.module == "canonical_abi",
        reason: "made by an early wit-bindgen for a host of its own, often JavaScript: use a build for wasm32-wasip1 without these \
                 bindings",
    },
    Kind {
        matches: |import, _| import.module == "wasi" && import.name == "thread-spawn",
        reason: "built for wasi-threads, which wrun does not support yet: build for wasm32-wasip1",
    },
    Kind {
        matches: |import, _| import.module.starts_with("wasix_"),
        reason: "built for WASIX, wasmer's own extension of WASI: build for wasm32-wasip1",
    },
    Kind {
        matches: |import, _| {
            import.module.contains("wbindgen") || import.module == "wbg" || import.name.starts_with("__wbindgen")
        },
        reason: "built with wasm-bindgen for JavaScript: run it in a browser or Node.js, or build it without wasm-bindgen for \
                 wasm32-wasip1",
    },
    Kind {
        matches: |import, _| matches!(import.module.as_str(), "go" | "gojs"),
        reason: "built by Go for JavaScript: build with GOOS=wasip1 GOARCH=wasm (TinyGo: -target=wasip1)",
    },
    Kind {
        matches: |import, traits| traits.has_start && is_emscripten(import),
        reason: "built by Emscripten, whose standalone form leaves these functions to the host: build with wasi-sdk, whose C \
                 library has them",
    },
    Kind {
        matches: |import, _| is_emscripten(import),
        reason: "built by Emscripten for its own JavaScript: run that in Node.js or a browser, or build the program with wasi-sdk",
    },
    Kind {
        matches: |import, _| import.module == "a" && import.name.len() <= 2,
        reason: "built by Emscripten for its own JavaScript, with shortened names: run that in Node.js or a browser, or build the \
                 program with wasi-sdk",
    },
    Kind {
        matches: |import, traits| {
            traits.linkage == Linkage::Dynamic
                || matches!(import.module.as_str(), "GOT.mem" | "GOT.func")
                || (import.module == "env" && matches!(import.name.as_str(), "__memory_base" | "__table_base"))
        },
        reason: "linked dynamically: a shared library, or a program that a dynamic loader (Emscripten's is JavaScript) has to put \
                 together with some; wrun loads none, link statically",
    },
    Kind {
        matches: |import, _| import.module == "env" && is_assemblyscript(import),
        reason: "built by AssemblyScript for JavaScript: build it with @assemblyscript/wasi-shim \
                 (asc --config node_modules/@assemblyscript/wasi-shim/asconfig.json)",
    },
    Kind {
        matches: |import, _| matches!(import.module.as_str(), "wasi_snapshot_preview1" | "wasi_unstable"),
        reason: "no function of WASI preview 1, but an extension of another runtime: build for wasm32-wasip1",
    },
    Kind {
        matches: |import, _| matches!(import.ty, ExternType::Memory(_)),
        reason: "linked to get its memory from a host: link without --import-memory (asc: --importMemory)",
    },
];

/// An object file.
pub(crate) const OBJECT: &str =
    "it is an object file, not a program: link it (with clang without -c, or with wasm-ld and the C library)";

/// Returns true for a function that AssemblyScript's library imports, with the type that it has there.
fn is_assemblyscript(import: &MissingImport) -> bool {
    let ExternType::Func(ty) = &import.ty else { return false };
    match import.name.as_str() {
        "abort" => ty.params() == [ValType::I32; 4] && ty.results().is_empty(),
        "seed" => ty.params().is_empty() && ty.results() == [ValType::F64],
        "trace" => ty.params().starts_with(&[ValType::I32, ValType::I32, ValType::F64]) && ty.results().is_empty(),
        _ => false,
    }
}

/// Returns true for an import from `env` that Emscripten's JavaScript defines.
fn is_emscripten(import: &MissingImport) -> bool {
    const PREFIXES: &[&str] = &[
        "invoke_",
        "emscripten_",
        "_emscripten_",
        "__syscall_",
        "_embind_",
        "__cxa_",
        "__asyncjs__",
    ];
    const NAMES: &[&str] = &[
        "__assert_fail",
        "__call_sighandler",
        "getTempRet0",
        "getentropy",
        "setTempRet0",
    ];
    // Functions that the C library of Emscripten leaves to JavaScript: `_abort_js`, `_mmap_js` and so on.
    let name = import.name.as_str();
    let in_javascript = name.starts_with('_') && name.ends_with("_js");
    import.module == "env"
        && (in_javascript || NAMES.contains(&name) || PREFIXES.iter().any(|prefix| name.starts_with(prefix)))
}

/// The reason for missing imports that are not recognised.
const OTHER_HOST: &str = "built for another host";

/// The reason for functions of WASI that the module imports with other types.
const OTHER_DECLARATIONS: &str = "built with other declarations of WASI's functions than those of preview 1: \
                                  rebuild it with a current toolchain, such as wasi-sdk or Rust's wasm32-wasip1";

/// Returns the likely reason, with the fix.
pub(crate) fn likely_reason(error: &ImportsError, traits: Traits) -> String {
    let matches = |kind: &&Kind| error.missing.iter().any(|import| (kind.matches)(import, traits));
    let known = KINDS.iter().find(matches);
    let reason = match known {
        Some(kind) => kind.reason,
        None if error.incompatible.is_empty() => OTHER_HOST,
        None => OTHER_DECLARATIONS,
    };
    let only_functions = error
        .missing
        .iter()
        .all(|import| matches!(import.ty, ExternType::Func(_)));
    // A module for another host may still be useful if it calls none of the missing functions, unless it must first be built as
    // a program.
    let helps = only_functions && error.incompatible.is_empty() && (traits.has_entry || known.is_none());
    let also = if helps {
        "; --unknown-imports trap runs it until it calls one"
    } else {
        ""
    };
    format!("{reason}{also}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use wrun_runtime::{FuncType, IncompatibleImport, IndexType, MemoryType, PageSize};

    fn missing(module: &str, name: &str, ty: ExternType) -> MissingImport {
        MissingImport {
            module: module.into(),
            name: name.into(),
            ty,
        }
    }

    const COMMAND: Traits = Traits::UNKNOWN;
    const LIBRARY: Traits = Traits {
        has_start: false,
        ..COMMAND
    };

    fn reason(imports: &[(&str, &str)], traits: Traits) -> String {
        let missing = imports
            .iter()
            .map(|(module, name)| missing(module, name, ExternType::Func(FuncType::default())))
            .collect();
        let incompatible = Vec::new();
        likely_reason(&ImportsError { missing, incompatible }, traits)
    }

    #[test]
    fn each_toolchain_is_known_by_its_marks() {
        for (imports, part) in [
            (&[("wasi:cli/stdout@0.2.0", "get-stdout")][..], "component model"),
            (&[("env", "f"), ("canonical_abi", "resource_drop_x")], "wit-bindgen"),
            (&[("env", "invoke_vii"), ("wasi", "thread-spawn")], "wasi-threads"),
            (&[("wasix_32v1", "futex_wait")], "WASIX"),
            (&[("./app_bg.js", "__wbindgen_throw")], "wasm-bindgen"),
            (&[("__wbindgen_placeholder__", "x")], "wasm-bindgen"),
            (&[("gojs", "runtime.wasmExit")], "GOOS=wasip1"),
            (
                &[("env", "other"), ("env", "emscripten_resize_heap")],
                "its own JavaScript:",
            ),
            (&[("env", "invoke_iii")], "its own JavaScript:"),
            (&[("env", "_abort_js")], "its own JavaScript:"),
            (&[("env", "_localtime_js")], "its own JavaScript:"),
            (&[("env", "_dlopen_js")], "its own JavaScript:"),
            (&[("env", "__assert_fail")], "its own JavaScript:"),
            (&[("env", "__call_sighandler")], "its own JavaScript:"),
            (&[("env", "setTempRet0")], "its own JavaScript:"),
            (&[("GOT.mem", "x"), ("env", "__syscall_openat")], "its own JavaScript:"),
            (&[("env", "my_js")], "another host"),
            (&[("a", "b")], "shortened names"),
            (&[("GOT.func", "f")], "link statically"),
            (&[("env", "__linear_memory")], "an object file"),
            (
                &[("wasi_snapshot_preview1", "sock_open")],
                "extension of another runtime",
            ),
            (&[("env", "my_function")], "another host"),
            // AssemblyScript's has four parameters.
            (&[("env", "abort")], "another host"),
        ] {
            let reason = reason(imports, LIBRARY);
            assert!(
                reason.contains(part) && reason.contains("--unknown-imports trap"),
                "{imports:?}: {reason}"
            );
        }
    }

    #[test]
    fn a_standalone_program_of_emscripten_is_not_told_to_become_one() {
        for name in ["getentropy", "__syscall_unlinkat", "emscripten_notify_memory_growth"] {
            let reason = reason(&[("env", name)], COMMAND);
            assert!(
                reason.contains("wasi-sdk") && !reason.contains("STANDALONE"),
                "{reason}"
            );
        }
    }

    #[test]
    fn sections_for_linkers_tell_more_than_names() {
        for (linkage, part) in [(Linkage::Object, "link it"), (Linkage::Dynamic, "link statically")] {
            let reason = reason(&[("env", "f")], Traits { linkage, ..LIBRARY });
            assert!(reason.contains(part), "{reason}");
        }
    }

    #[test]
    fn the_functions_of_assemblyscript_are_known_by_name_and_type() {
        let i32s = |count: usize| vec![ValType::I32; count];
        for (name, ty, is) in [
            ("abort", FuncType::new(i32s(4), vec![]), true),
            ("seed", FuncType::new(vec![], vec![ValType::F64]), true),
            (
                "trace",
                FuncType::new([i32s(2), vec![ValType::F64; 5]].concat(), vec![]),
                true,
            ),
            ("abort", FuncType::new(i32s(3), vec![]), false),
            ("seed", FuncType::new(vec![], vec![ValType::I32]), false),
        ] {
            let missing = vec![missing("env", name, ExternType::Func(ty))];
            let incompatible = Vec::new();
            let reason = likely_reason(&ImportsError { missing, incompatible }, LIBRARY);
            assert_eq!(reason.contains("@assemblyscript/wasi-shim"), is, "{name}: {reason}");
        }
    }

    #[test]
    fn only_functions_can_be_replaced() {
        let memory = ExternType::Memory(MemoryType {
            index: IndexType::I32,
            page: PageSize::Default,
            min: 1,
            max: None,
        });
        let error = ImportsError {
            missing: vec![missing("env", "memory", memory)],
            incompatible: Vec::new(),
        };
        let reason = likely_reason(&error, COMMAND);
        assert!(
            reason.contains("--import-memory") && !reason.contains("--unknown-imports"),
            "{reason}"
        );
    }

    #[test]
    fn a_module_without_entry_is_told_to_go_on_only_if_nothing_better_is_known() {
        for (name, helps) in [("_abort_js", false), ("my_function", true)] {
            let traits = Traits {
                has_entry: false,
                ..LIBRARY
            };
            let reason = reason(&[("env", name)], traits);
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
            let reason = likely_reason(&error, COMMAND);
            assert!(reason.contains(part) && !reason.contains("--unknown"), "{reason}");
        }
    }
}
