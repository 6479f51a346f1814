//! The ways to run wrun from other tools in the README: make, CMake, cargo, go, and the kernel (binfmt_misc).

use std::path::Path;
use std::process::{Command, Output};

use wrun_tests::skip;

use crate::support::{Dir, guest};

/// The binary under test.
const WRUN: &str = env!("CARGO_BIN_EXE_wrun");

/// A C program that needs its arguments and a file in its directory. Its status says what went wrong.
const PROGRAM: &str = r#"#include <stdio.h>
#include <string.h>
int main(int argc, char **argv) {
    char line[16] = "";
    FILE *file = fopen("input.txt", "r");
    if (!file) return 3;
    if (!fgets(line, sizeof line, file)) return 4;
    printf("%s", line);
    return argc > 1 && strcmp(argv[1], "fail") == 0 ? 7 : 0;
}
"#;

/// Returns true if all tools are installed. Otherwise reports a skipped test for the first missing one.
fn have(tools: &[&str]) -> bool {
    for tool in tools {
        let word = if *tool == "go" { "version" } else { "--version" };
        if !Command::new(tool)
            .arg(word)
            .output()
            .is_ok_and(|ended| ended.status.success())
        {
            skip(tool, format_args!("there is no {tool}"));
            return false;
        }
    }
    true
}

/// Runs a command in a directory, with the binary under test in the path.
fn run(dir: &Dir, program: &str, words: &[&str], variables: &[(&str, &str)]) -> Output {
    let bin = Path::new(WRUN).parent().expect("it is in a directory");
    let path = std::env::var("PATH").unwrap_or_default();
    let mut command = Command::new(program);
    command
        .args(words)
        .current_dir(dir.path())
        .env("PATH", format!("{}:{path}", bin.display()))
        .env("WRUN_CACHE_DIR", dir.path().join("cache"))
        // Otherwise make would use the job server, and cargo the settings, of the cargo that runs the tests.
        .env_remove("MAKEFLAGS")
        .env_remove("CARGO_MAKEFLAGS")
        .env_remove("CARGO_TARGET_DIR")
        .envs(variables.iter().copied());
    command.output().unwrap_or_else(|error| panic!("{program}: {error}"))
}

/// Returns standard output and standard error.
fn text(ended: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&ended.stdout),
        String::from_utf8_lossy(&ended.stderr)
    )
}

#[test]
fn make_runs_programs_and_sees_their_statuses() {
    if !have(&["make", "clang", "wasm-ld"]) {
        return;
    }
    let dir = Dir::new();
    dir.write("program.c", PROGRAM);
    dir.write("input.txt", "from the file\n");
    dir.write(
        "Makefile",
        "CC = clang --target=wasm32-wasi\nRUN = wrun --dir .\n\n%.wasm: %.c\n\t$(CC) -O1 $< -o $@\n\n\
         check: program.wasm\n\t$(RUN) $< $(WORDS)\n",
    );
    let ended = run(&dir, "make", &["check"], &[]);
    assert!(
        ended.status.success() && text(&ended).contains("from the file"),
        "{}",
        text(&ended)
    );
    let ended = run(&dir, "make", &["check", "WORDS=fail"], &[]);
    assert!(
        !ended.status.success() && text(&ended).contains("Error 7"),
        "{}",
        text(&ended)
    );
}

#[test]
fn cmake_runs_tests_through_the_emulator() {
    if !have(&["cmake", "ctest", "make", "clang", "wasm-ld"]) {
        return;
    }
    let dir = Dir::new();
    dir.write("program.c", PROGRAM);
    dir.write("input.txt", "from the file\n");
    dir.write(
        "wasi.cmake",
        "set(CMAKE_SYSTEM_NAME Generic)\nset(CMAKE_C_COMPILER clang)\nset(CMAKE_C_COMPILER_TARGET wasm32-wasi)\n\
         set(CMAKE_EXECUTABLE_SUFFIX .wasm)\nset(CMAKE_CROSSCOMPILING_EMULATOR wrun;--dir;.)\n",
    );
    dir.write(
        "CMakeLists.txt",
        "cmake_minimum_required(VERSION 3.16)\nproject(program C)\nenable_testing()\nadd_executable(program program.c)\n\
         add_test(NAME reads COMMAND program WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})\n\
         add_test(NAME fails COMMAND program fail WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})\n\
         set_tests_properties(fails PROPERTIES WILL_FAIL TRUE)\n",
    );
    for (program, words) in [
        (
            "cmake",
            &["-S", ".", "-B", "build", "-DCMAKE_TOOLCHAIN_FILE=wasi.cmake"][..],
        ),
        ("cmake", &["--build", "build"]),
        ("ctest", &["--test-dir", "build", "--verbose"]),
    ] {
        let ended = run(&dir, program, words, &[]);
        assert!(ended.status.success(), "{program} {words:?}: {}", text(&ended));
        if program == "ctest" {
            let text = text(&ended);
            assert!(
                text.contains("from the file") && text.contains("100% tests passed, 0 tests failed out of 2"),
                "{text}"
            );
        }
    }
}

/// A replacement for a compiler with the target's standard library, which not every machine has. For each program of the
/// package it writes a guest of the tests. It passes cargo's queries on to the real compiler.
const STAND_IN: &str = r#"#!/bin/sh
rustc=$1
shift
case " $* " in
*' -vV '* | *' --print='*) exec "$rustc" "$@" ;;
esac
while [ $# -gt 0 ]; do
    case $1 in
    --crate-name) name=$2 ;;
    --out-dir) out=$2 ;;
    extra-filename=*) extra=${1#extra-filename=} ;;
    esac
    shift
done
cp "$GUEST" "$out/$name$extra.wasm"
echo "$out/$name$extra.wasm: src/main.rs" >"$out/$name$extra.d"
"#;

#[test]
fn cargo_runs_programs_and_tests_through_the_runner() {
    if !have(&["cargo", "rustc"]) {
        return;
    }
    let dir = Dir::new();
    for folder in ["src", ".cargo"] {
        std::fs::create_dir(dir.path().join(folder)).expect("the scratch directory can be written");
    }
    dir.write(
        "Cargo.toml",
        "[package]\nname = \"program\"\nedition = \"2021\"\n\n[workspace]\n",
    );
    dir.write("src/main.rs", "fn main() {}\n");
    dir.write(
        ".cargo/config.toml",
        "[build]\ntarget = \"wasm32-wasip1\"\n\n[target.wasm32-wasip1]\nrunner = \"wrun --dir .\"\n",
    );
    let wrapper = dir.write_program("wrapper", STAND_IN);
    let wrapper = wrapper.to_str().expect("the scratch directory has a name in UTF-8");
    let wasm = wat::parse_file(guest("exit")).expect("the guest is well-formed");
    let wasm = dir.write("exit.wasm", wasm);
    let wasm = wasm.to_str().expect("the scratch directory has a name in UTF-8");
    let variables = [("RUSTC_WRAPPER", wrapper), ("GUEST", wasm)];
    for (words, status) in [
        (&["run", "--offline", "--", "7"][..], 7),
        (&["run", "--offline", "--", "0"], 0),
        (&["test", "--offline", "--", "0"], 0),
        (&["test", "--offline", "--", "9"], 9),
    ] {
        let ended = run(&dir, "cargo", words, &variables);
        assert_eq!(ended.status.code(), Some(status), "{words:?}: {}", text(&ended));
    }
}

#[test]
fn go_runs_tests_through_exec() {
    if !have(&["go"]) {
        return;
    }
    let dir = Dir::new();
    dir.write("go.mod", "module example.com/program\n\ngo 1.21\n");
    dir.write("input.txt", "from the file\n");
    dir.write(
        "program_test.go",
        "package program\n\nimport (\n\t\"os\"\n\t\"testing\"\n)\n\nfunc TestFile(t *testing.T) {\n\
         \ttext, err := os.ReadFile(\"input.txt\")\n\tif err != nil || string(text) != \"from the file\\n\" {\n\
         \t\tt.Fatal(err, string(text))\n\t}\n\tif os.Getenv(\"FAIL\") != \"\" {\n\t\tt.Fatal(\"as asked for\")\n\t}\n}\n",
    );
    let home = dir.path().join("home");
    let home = home.to_str().expect("the scratch directory has a name in UTF-8");
    let test = |exec: &str| {
        let variables = [
            ("GOOS", "wasip1"),
            ("GOARCH", "wasm"),
            ("HOME", home),
            ("GOFLAGS", "-count=1"),
        ];
        run(&dir, "go", &["test", "-exec", exec, "."], &variables)
    };
    for exec in ["wrun --dir .::/", "wrun --dir / -e PWD"] {
        let ended = test(exec);
        assert!(ended.status.success(), "{exec}: {}", text(&ended));
    }
    let ended = test("wrun --dir .::/ -e FAIL=1");
    assert!(
        !ended.status.success() && text(&ended).contains("as asked for"),
        "{}",
        text(&ended)
    );
}

#[test]
fn the_kernel_runs_wasm_files_through_binfmt_misc() {
    if !have(&["unshare", "clang", "wasm-ld"]) {
        return;
    }
    let dir = Dir::new();
    dir.write("program.c", PROGRAM);
    dir.write("input.txt", "from the file\n");
    let words = ["--target=wasm32-wasi", "-O1", "program.c", "-o", "program.wasm"];
    let ended = run(&dir, "clang", &words, &[]);
    assert!(ended.status.success(), "{}", text(&ended));
    let granting = dir.write_program("wrun-here", "#!/bin/sh\nexec wrun --dir . \"$@\"\n");
    // In a new namespace, so that the settings of the machine do not change.
    let start = |interpreter: &str| {
        let script = format!(
            "mount -t binfmt_misc none /proc/sys/fs/binfmt_misc || exit 99\n\
             printf '%s' ':wasm:M::\\x00asm\\x01\\x00\\x00\\x00::{interpreter}:' >/proc/sys/fs/binfmt_misc/register || exit 99\n\
             ./program.wasm fail"
        );
        run(&dir, "unshare", &["-Urm", "sh", "-c", &script], &[])
    };
    let ended = start(WRUN);
    if ended.status.code() == Some(99) || text(&ended).contains("unshare failed") {
        return skip("binfmt", text(&ended));
    }
    // It runs, and has no directory.
    assert_eq!(ended.status.code(), Some(3), "{}", text(&ended));
    let ended = start(granting.to_str().expect("the scratch directory has a name in UTF-8"));
    assert_eq!(ended.status.code(), Some(7), "{}", text(&ended));
    assert!(text(&ended).contains("from the file"), "{}", text(&ended));
}
