//! Tests that the build id depends on the resolved versions of dependencies, also in the workspace of an embedder.

#[path = "../build_lock.rs"]
mod build_lock;

use std::fs;
use std::path::Path;

const LOCK: &str = r#"
[[package]]
name = "regalloc2"
version = "0.13.5"
source = "registry+https://example.invalid/index"
checksum = "b5"

[[package]]
name = "serde"
version = "1.0.0"
checksum = "aa"

[[package]]
name = "cranelift-codegen"
version = "0.135.8"
source = "git+https://example.invalid/fork#77"
"#;

#[test]
fn packages_that_decide_about_artifacts_are_listed_with_their_origin() {
    assert_eq!(
        build_lock::deciding(LOCK),
        [
            "cranelift-codegen 0.135.8 git+https://example.invalid/fork#77",
            "regalloc2 0.13.5 b5",
        ]
    );
    assert_ne!(
        build_lock::deciding(LOCK),
        build_lock::deciding(&LOCK.replace("0.135.8", "0.135.9"))
    );
    assert_eq!(
        build_lock::deciding(LOCK),
        build_lock::deciding(&LOCK.replace("1.0.0", "1.0.1"))
    );
}

#[test]
fn the_code_generator_is_in_the_lock_of_this_workspace() {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let lock = build_lock::find(package, package).expect("the workspace has one");
    let deciding = build_lock::deciding(&fs::read_to_string(lock).expect("readable"));
    assert!(deciding.iter().any(|line| line.starts_with("cranelift-codegen ")));
    assert!(deciding.iter().any(|line| line.starts_with("wasmparser ")));
}

#[test]
fn the_lock_of_the_workspace_that_builds_comes_first() {
    let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("build-lock");
    let (embedder, package) = (root.join("embedder"), root.join("registry/wrun-artifact"));
    let out = embedder.join("target/debug/build/wrun-artifact-1/out");
    fs::create_dir_all(&out).expect("the test owns it");
    fs::create_dir_all(&package).expect("the test owns it");
    fs::write(embedder.join("Cargo.lock"), LOCK).expect("the test owns it");
    fs::write(package.join("Cargo.lock"), "").expect("the test owns it");
    assert_eq!(build_lock::find(&out, &package), Some(embedder.join("Cargo.lock")));
    fs::remove_dir_all(&root).expect("the test owns it");
}
