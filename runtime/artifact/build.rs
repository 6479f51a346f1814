//! Computes the build id: a fingerprint of everything in this tree that influences the bytes of an artifact. An artifact with
//! another build id is stale.
//!
//! Input: the sources of this crate and of the compiler beside it, and the versions of their dependencies in the `Cargo.lock`
//! of the build. Output: the file `build_id` of 16 bytes. Equal trees and versions give equal ids in any folder.

mod build_lock;

use std::path::{Path, PathBuf};
use std::{env, fs};

fn main() {
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it"));
    let mut hash = Fnv128::default();
    for part in ["src", "../compiler/src"] {
        let dir = root.join(part);
        println!("cargo::rerun-if-changed={}", dir.display());
        // The compiler is missing if the crate is built outside of its workspace.
        if !dir.is_dir() {
            continue;
        }
        for (name, path) in sources(&dir) {
            hash.field(name.as_bytes());
            hash.field(&fs::read(&path).expect("sources are readable"));
        }
    }
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it"));
    if let Some(lock) = build_lock::find(&out, &root) {
        println!("cargo::rerun-if-changed={}", lock.display());
        let text = fs::read_to_string(&lock).expect("a lock file is readable text");
        for package in build_lock::deciding(&text) {
            hash.field(package.as_bytes());
        }
    }
    fs::write(out.join("build_id"), hash.0.to_le_bytes()).expect("the output directory is writable");
}

/// Lists all Rust files below `dir`, sorted by their path relative to `dir`.
fn sources(dir: &Path) -> Vec<(String, PathBuf)> {
    let mut found = Vec::new();
    let mut dirs = vec![dir.to_owned()];
    while let Some(next) = dirs.pop() {
        for entry in fs::read_dir(&next).expect("sources are readable") {
            let path = entry.expect("sources are readable").path();
            if path.is_dir() {
                dirs.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path
                    .strip_prefix(dir)
                    .expect("found below it")
                    .to_string_lossy()
                    .into_owned();
                found.push((name, path));
            }
        }
    }
    found.sort();
    found
}

/// The FNV-1a hash of 128 bits. It does not resist attacks, but an attacker would have to change wrun's own sources.
struct Fnv128(u128);

impl Default for Fnv128 {
    fn default() -> Self {
        Self(0x6c62_272e_07bb_0142_62b8_2175_6295_c58d)
    }
}

impl Fnv128 {
    /// Adds a field as its length and its bytes, so that two fields never look like one.
    fn field(&mut self, bytes: &[u8]) {
        let len = (bytes.len() as u64).to_le_bytes();
        for byte in len.iter().chain(bytes) {
            self.0 = (self.0 ^ u128::from(*byte)).wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013b);
        }
    }
}
