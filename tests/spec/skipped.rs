//! Directives that wrun does not satisfy, because their file needs something that wrun refuses, or because they expect a refusal of
//! what a later proposal allows.
//!
//! A directive is listed with the beginning of its failure, so that another failure of the same directive is still reported. An
//! entry that is not needed any more is reported too.

use crate::suite::Suite;

/// Directives of one file with the same reason.
struct Skipped {
    suite: Suite,
    file: &'static str,
    /// The proposal that the file needs, or that allows what the directive refuses.
    reason: &'static str,
    /// A part of the failure of each directive.
    failure: &'static str,
    /// The lines of the directives.
    lines: &'static [usize],
}

const SKIPPED: &[Skipped] = &[
    // Recursive type groups.
    Skipped {
        suite: Suite::Exceptions,
        file: "tag.wast",
        reason: "gc",
        failure: "the module needs gc ",
        lines: &[30, 40, 48],
    },
    Skipped {
        suite: Suite::Exceptions,
        file: "tag.wast",
        reason: "gc",
        failure: "unknown imports: M.tag ",
        lines: &[59],
    },
    // Memory indices in place of bytes that had to be zero.
    Skipped {
        suite: Suite::V2,
        file: "binary.wast",
        reason: "multi-memory",
        failure: "accepted, but expected \"zero byte expected\"",
        lines: &[145, 165, 184, 203, 242, 261, 279, 297],
    },
    Skipped {
        suite: Suite::FunctionReferences,
        file: "binary.wast",
        reason: "multi-memory",
        failure: "accepted, but expected \"zero byte expected\"",
        lines: &[145, 165, 184, 203, 242, 261, 279, 297],
    },
    Skipped {
        suite: Suite::Memory64,
        file: "binary.wast",
        reason: "multi-memory",
        failure: "accepted, but expected \"zero byte expected\"",
        lines: &[876, 896, 915, 934, 973, 992, 1010, 1028],
    },
    Skipped {
        suite: Suite::V2,
        file: "imports.wast",
        reason: "multi-memory",
        failure: "accepted, but expected \"multiple memories\"",
        lines: &[487, 491, 495],
    },
    Skipped {
        suite: Suite::V2,
        file: "memory.wast",
        reason: "multi-memory",
        failure: "accepted, but expected \"multiple memories\"",
        lines: &[10, 11],
    },
    Skipped {
        suite: Suite::Memory64,
        file: "memory.wast",
        reason: "multi-memory",
        failure: "accepted, but expected \"multiple memories\"",
        lines: &[10, 11],
    },
    Skipped {
        suite: Suite::Memory64,
        file: "memory64.wast",
        reason: "multi-memory",
        failure: "accepted, but expected \"multiple memories\"",
        lines: &[8, 9],
    },
    // Offsets of more than 32 bits.
    Skipped {
        suite: Suite::V2,
        file: "binary-leb128.wast",
        reason: "memory64",
        failure: "accepted, but expected \"integer representation too long\"",
        lines: &[217, 225],
    },
    // Recursive type groups, subtypes, types of objects, and constant expressions that read globals of the module itself.
    Skipped {
        suite: Suite::V3,
        file: "data.wast",
        reason: "gc",
        failure: "the module needs gc ",
        lines: &[89, 90],
    },
    Skipped {
        suite: Suite::V3,
        file: "elem.wast",
        reason: "gc",
        failure: "the module needs gc ",
        lines: &[178, 182],
    },
    Skipped {
        suite: Suite::V3,
        file: "global.wast",
        reason: "gc",
        failure: "the module needs gc ",
        lines: &[373, 374, 634],
    },
    Skipped {
        suite: Suite::V3,
        file: "global.wast",
        reason: "gc",
        failure: "no function ",
        lines: &[659, 660, 661, 663, 664],
    },
    Skipped {
        suite: Suite::V3,
        file: "ref_null.wast",
        reason: "gc",
        failure: "the module needs gc ",
        lines: &[1, 23],
    },
    Skipped {
        suite: Suite::V3,
        file: "ref_null.wast",
        reason: "gc",
        failure: "no such instance",
        lines: &[
            16, 17, 18, 19, 20, 55, 56, 57, 58, 59, 60, 61, 62, 63, 64, 65, 66, 67, 68, 69, 70, 71, 72, 73, 74, 75, 76,
            77, 78, 79, 80, 81,
        ],
    },
    Skipped {
        suite: Suite::V3,
        file: "type-canon.wast",
        reason: "gc",
        failure: "the module needs gc ",
        lines: &[1, 9],
    },
    Skipped {
        suite: Suite::V3,
        file: "type-equivalence.wast",
        reason: "gc",
        failure: "the module needs gc ",
        lines: &[30, 38, 49, 136, 161, 233, 238, 246, 257, 268, 279, 290, 308],
    },
    Skipped {
        suite: Suite::V3,
        file: "type-rec.wast",
        reason: "gc",
        failure: "the module needs gc ",
        lines: &[3, 39, 45, 71, 78, 137, 143, 148, 156, 167, 176, 185, 197],
    },
    Skipped {
        suite: Suite::V3,
        file: "type-rec.wast",
        reason: "gc",
        failure: "rec group usage requires `gc`",
        lines: &[28],
    },
    Skipped {
        suite: Suite::V3,
        file: "type-rec.wast",
        reason: "gc",
        failure: "no such instance",
        lines: &[141, 174, 183, 192],
    },
    // Waiting, which traps on a memory that is not shared.
    Skipped {
        suite: Suite::Atomics,
        file: "atomic.wast",
        reason: "threads",
        failure: "expected shared memory",
        lines: &[434, 435],
    },
];

/// Removes the failures that are listed. Adds those listed directives that do not fail in this way.
pub(crate) fn without_listed(suite: Suite, file: &str, mut failures: Vec<(usize, String)>) -> Vec<String> {
    let mut unneeded = Vec::new();
    for skipped in SKIPPED.iter().filter(|it| it.suite == suite && it.file == file) {
        for line in skipped.lines {
            let before = failures.len();
            failures.retain(|(at, failure)| !(at == line && failure.contains(skipped.failure)));
            if failures.len() == before {
                let reason = skipped.reason;
                unneeded.push(format!(
                    "  {line}: this directive is listed as skipped ({reason}), but need not be"
                ));
            }
        }
    }
    failures
        .into_iter()
        .map(|(_, failure)| failure)
        .chain(unneeded)
        .collect()
}

#[test]
fn only_listed_failures_are_removed_and_unneeded_entries_are_reported() {
    let failures = [
        (30, "30:2: the module needs gc (first"),
        (40, "40:2: another reason"),
        (48, "48:2: the module needs gc (first"),
        (59, "59:2: unknown imports: M.tag tag ()"),
        (60, "60:2: the module needs gc (first"),
    ]
    .map(|(line, failure)| (line, failure.to_owned()))
    .to_vec();
    let left = without_listed(Suite::Exceptions, "tag.wast", failures);
    let lines: Vec<_> = left.iter().map(|failure| failure.trim()[..2].to_owned()).collect();
    assert_eq!(lines, ["40", "60", "40"]);
}
