//! Finds the versions of dependencies that influence the bytes of an artifact, from the `Cargo.lock` of the build. The build
//! script and a test include this file.

use std::path::{Path, PathBuf};

/// Prefixes of the names of packages that generate code, read wasm or write sections.
const DECIDING: &[&str] = &["cranelift", "regalloc2", "wasmparser", "gimli", "object"];

/// Finds the `Cargo.lock` of the build: the nearest one above the output directory of the build, which lies in the `target`
/// directory of the workspace that is built. If `target` lies elsewhere, it is the nearest one above the package itself. `None`
/// if there is neither.
pub(crate) fn find(out: &Path, package: &Path) -> Option<PathBuf> {
    let above = |from: &Path| {
        let candidates = from.ancestors().map(|dir| dir.join("Cargo.lock"));
        candidates.into_iter().find(|lock| lock.is_file())
    };
    above(out).or_else(|| above(package))
}

/// Lists the packages of a lock file that match [`DECIDING`] as "name version checksum", sorted. A package without a checksum
/// (a path or git dependency) has its source instead.
pub(crate) fn deciding(lock: &str) -> Vec<String> {
    let mut found: Vec<_> = lock.split("[[package]]").filter_map(package).collect();
    found.sort();
    found
}

/// Describes one package of a lock file, if it matches [`DECIDING`].
fn package(block: &str) -> Option<String> {
    let value = |key: &str| {
        let value = block
            .lines()
            .find_map(|line| line.strip_prefix(key)?.strip_prefix(" = "));
        value.map(|value| value.trim_matches('"'))
    };
    let name = value("name")?;
    if !DECIDING.iter().any(|beginning| name.starts_with(beginning)) {
        return None;
    }
    let origin = value("checksum").or_else(|| value("source")).unwrap_or_default();
    Some(format!("{name} {} {origin}", value("version")?))
}
