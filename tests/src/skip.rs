//! Reports tests that cannot run on this machine.

use std::fmt::Display;

/// Reports that a test, or a part of it, cannot run here.
///
/// `what` is a word for the missing thing, and `reason` gives details. In CI (`CI` or `WRUN_MAY_SKIP` is set) this panics
/// unless `WRUN_MAY_SKIP` contains the word. `.ci/run` sets it to the things that the machine really lacks.
#[track_caller]
pub fn skip(what: &str, reason: impl Display) {
    println!("skipped: {what}: {reason}");
    let variable = |name| std::env::var(name).ok();
    assert!(
        may_skip(what, variable("CI").as_deref(), variable("WRUN_MAY_SKIP").as_deref()),
        "an unexpected skip: {what}: {reason}; where that is so on purpose, name `{what}` in WRUN_MAY_SKIP"
    );
}

/// Returns true if a skip is allowed with these values of `CI` and `WRUN_MAY_SKIP`.
fn may_skip(what: &str, ci: Option<&str>, allowed: Option<&str>) -> bool {
    let in_ci = ci.is_some_and(|ci| !["", "0", "false"].contains(&ci));
    match allowed {
        Some(allowed) => allowed.split_whitespace().any(|word| word == what),
        None => !in_ci,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn in_ci_only_what_is_named_may_be_skipped() {
        assert!(may_skip("mount", None, None));
        assert!(may_skip("mount", Some("false"), None));
        assert!(!may_skip("mount", Some("true"), None));
        assert!(!may_skip("mount", None, Some("")));
        assert!(!may_skip("mount", Some("true"), Some("root mounts")));
        assert!(may_skip("mount", Some("true"), Some("root mount")));
    }
}
