//! Damages each field of the header and each byte of info, and loads the artifact through the runtime: each field has its own
//! reason, and every changed byte is noticed.

use std::collections::BTreeSet;
use std::mem::discriminant;

use wrun_artifact::BUILD;
use wrun_artifact::config::{CpuFeatures, FORMAT_VERSION};
use wrun_artifact::elf::{Artifact, Expect, Part, Stale};
use wrun_artifact::header::{Compare, HEADER_OFFSET, Header, PAGE, PROGRAM_HEADER_OFFSET, Section, TARGET};
use wrun_compiler::Config;
use wrun_runtime::{Engine, Error, inspect};

use crate::load::load;
use crate::{artifact, example};

/// An artifact, its header, and an engine that would load it.
struct Sample {
    bytes: Vec<u8>,
    header: Header,
    engine: Engine,
}

impl Sample {
    fn new() -> Self {
        let bytes = artifact(&example(), &Config::native());
        let expect = Expect {
            build: BUILD,
            config: Some(Config::native()),
            cpu: CpuFeatures::detect(),
        };
        let header = Header::read(&bytes, &expect, Compare::Head).expect("whole");
        let engine = Engine::new(&wrun_runtime::Config::new()).expect("signals can be handled");
        load(&engine, &bytes).expect("whole");
        Self { bytes, header, engine }
    }

    /// Returns a changed copy.
    fn with(&self, change: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
        let mut bytes = self.bytes.clone();
        change(&mut bytes);
        bytes
    }

    /// Returns a copy with a changed header and correct checksums.
    fn sealed(&self, change: impl FnOnce(&mut Header)) -> Vec<u8> {
        let mut header = self.header;
        change(&mut header);
        self.with(|bytes| header.seal(bytes))
    }

    /// Returns the reason why an engine refuses these bytes.
    #[track_caller]
    fn reason(&self, what: &str, bytes: &[u8]) -> Stale {
        match load(&self.engine, bytes) {
            Err(Error::Artifact(reason)) => reason,
            other => panic!("{what}: {other:?}"),
        }
    }

    /// Returns the offset of a text or number in the header.
    fn find(&self, what: &[u8]) -> usize {
        let header = &self.bytes[HEADER_OFFSET..PROGRAM_HEADER_OFFSET];
        let at = header.windows(what.len()).position(|window| window == what);
        HEADER_OFFSET + at.expect("the header has it")
    }
}

#[test]
fn each_field_of_the_header_has_its_reason() {
    let sample = Sample::new();
    let flip = |at: usize| sample.with(|bytes| bytes[at] ^= 1);
    let version = HEADER_OFFSET + 8;
    let length = sample.find(&(sample.bytes.len() as u64).to_le_bytes());
    let lengthen = |by: i64| {
        sample.with(|bytes| {
            let changed = (bytes.len() as u64).wrapping_add_signed(by);
            bytes[length..length + 8].copy_from_slice(&changed.to_le_bytes());
        })
    };
    let cases = [
        ("ELF's magic number", flip(0), Stale::NotAnArtifact),
        ("ELF's machine", flip(18), Stale::Checksum(Part::Head)),
        ("the magic number", flip(HEADER_OFFSET), Stale::NotAnArtifact),
        (
            "the format version",
            flip(version),
            Stale::FormatVersion {
                found: FORMAT_VERSION ^ 1,
            },
        ),
        ("what is always zero", flip(version + 4), Stale::Checksum(Part::Head)),
        ("the build", flip(sample.find(&BUILD)), Stale::Build),
        (
            "the build, sealed",
            sample.sealed(|header| header.build[15] ^= 0x80),
            Stale::Build,
        ),
        ("the target", flip(sample.find(TARGET.as_bytes())), Stale::Target),
        (
            "what fills the target up",
            flip(sample.find(TARGET.as_bytes()) + 31),
            Stale::Target,
        ),
        (
            "the settings",
            flip(sample.find(&Config::native().to_bytes()) + 9),
            Stale::Checksum(Part::Head),
        ),
        (
            "the settings, sealed",
            sample.sealed(|header| header.config.address_map = false),
            Stale::Config,
        ),
        (
            "where the code section was",
            flip(sample.find(&sample.header.code_section.to_le_bytes())),
            Stale::Checksum(Part::Head),
        ),
        ("a length beyond the end", lengthen(1), Stale::Truncated),
        ("a length before the end", lengthen(-1), Stale::Length),
        (
            "the greatest length",
            lengthen(-1 - i64::try_from(sample.bytes.len()).expect("small")),
            Stale::Truncated,
        ),
        (
            "the checksum of the text",
            flip(PROGRAM_HEADER_OFFSET - 24),
            Stale::Checksum(Part::Head),
        ),
        (
            "the checksum of the data",
            flip(PROGRAM_HEADER_OFFSET - 16),
            Stale::Checksum(Part::Head),
        ),
        (
            "the checksum",
            flip(PROGRAM_HEADER_OFFSET - 8),
            Stale::Checksum(Part::Head),
        ),
        (
            "the program header",
            flip(PROGRAM_HEADER_OFFSET),
            Stale::Checksum(Part::Head),
        ),
        ("the end of the first page", flip(PAGE - 1), Stale::Checksum(Part::Head)),
    ];
    let mut texts = BTreeSet::new();
    for (what, bytes, expected) in cases {
        let reason = sample.reason(what, &bytes);
        assert_eq!(reason, expected, "{what}");
        texts.insert(reason.to_string());
    }
    assert_eq!(texts.len(), 8, "each reason has words of its own: {texts:?}");
}

/// Tests the reader and not the engine, because the reader takes the CPU as an argument. This machine may have all features
/// that wrun knows.
#[test]
fn a_lesser_cpu_is_told_what_it_lacks() {
    let sample = Sample::new();
    let mut lacking = 0;
    for (feature, name) in CpuFeatures::KNOWN {
        let expect = Expect {
            build: BUILD,
            config: None,
            cpu: CpuFeatures::detect().without(*feature),
        };
        let reason = Artifact::read(&sample.bytes, &expect, Compare::Head).err();
        if CpuFeatures::detect().contains(*feature) {
            assert_eq!(reason, Some(Stale::Cpu(*feature)), "{name}");
            assert!(Stale::Cpu(*feature).to_string().contains(name), "{name} is named");
            lacking += 1;
        } else {
            assert_eq!(reason, None, "{name}");
        }
    }
    assert!(lacking > 0, "wrun needs some features");
}

#[test]
fn the_bounds_of_each_section_are_checked() {
    let sample = Sample::new();
    for section in Section::ALL {
        let name = section.name();
        // A number that is damaged, too large, or so large that sums overflow.
        let place = PROGRAM_HEADER_OFFSET - 24 - 16 * (Section::ALL.len() - section as usize);
        for (field, what) in [(place, "place"), (place + 8, "length")] {
            let old = u64::from_le_bytes(sample.bytes[field..field + 8].try_into().expect("eight bytes"));
            let range = sample.header.section(section);
            let expected = if what == "place" {
                range.start
            } else {
                range.end - range.start
            };
            assert_eq!(old, expected as u64, "the test knows the layout of the header");
            for value in [u64::MAX, 1 << 63, sample.bytes.len() as u64 + 1, 1 << 32] {
                let bytes = sample.with(|bytes| bytes[field..field + 8].copy_from_slice(&value.to_le_bytes()));
                let reason = sample.reason(name, &bytes);
                assert_eq!(reason, Stale::Sections, "{name}: {what} {value:#x}");
            }
            let bytes = sample.with(|bytes| bytes[field..field + 8].copy_from_slice(&(old ^ 8).to_le_bytes()));
            let reason = sample.reason(name, &bytes);
            assert!(
                matches!(reason, Stale::Sections | Stale::Checksum(Part::Head)),
                "{name}: {what}: {reason:?}"
            );
        }
    }
}

#[test]
fn a_file_that_ends_at_a_section_border_is_refused() {
    let sample = Sample::new();
    let mut borders = BTreeSet::from([0, 1, 4, HEADER_OFFSET, HEADER_OFFSET + 8, PROGRAM_HEADER_OFFSET, PAGE]);
    for section in Section::ALL {
        let range = sample.header.section(section);
        borders.extend([range.start, range.end, range.end.next_multiple_of(PAGE)]);
    }
    let near = borders
        .iter()
        .flat_map(|border| [border.saturating_sub(1), *border, border + 1]);
    for len in near.filter(|len| *len < sample.bytes.len()).collect::<BTreeSet<_>>() {
        let cut = &sample.bytes[..len];
        let reason = sample.reason("cut", cut);
        let expected = if len <= HEADER_OFFSET + 8 {
            // The rest looks like the beginning of an artifact, or is empty.
            matches!(reason, Stale::Truncated | Stale::NotAnArtifact)
        } else {
            reason == Stale::Truncated
        };
        assert!(expected, "cut at {len}: {reason:?}");

        // The same with a header that has the shorter length.
        if len >= PAGE {
            let mut shorter = cut.to_vec();
            let length = sample.find(&(sample.bytes.len() as u64).to_le_bytes());
            shorter[length..length + 8].copy_from_slice(&(len as u64).to_le_bytes());
            let reason = sample.reason("cut, with its length", &shorter);
            assert!(
                matches!(reason, Stale::Sections | Stale::Checksum(Part::Head)),
                "cut at {len}: {reason:?}"
            );
        }
    }
    let longer = sample.with(|bytes| bytes.push(0));
    assert_eq!(sample.reason("longer", &longer), Stale::Length);
}

#[test]
fn no_byte_of_header_and_info_can_change() {
    let sample = Sample::new();
    let info = sample.header.section(Section::Info).range();
    assert!(info.len() > 500, "the example has an info section");
    let mut kinds = BTreeSet::new();
    for at in (0..PAGE).chain(info) {
        for flipped in [0xff, 1 << (at % 8)] {
            let bytes = sample.with(|bytes| bytes[at] ^= flipped);
            let reason = sample.reason(&format!("byte {at} changed by {flipped:#x}"), &bytes);
            kinds.insert(format!("{:?}", discriminant(&reason)));
        }
    }
    assert!(kinds.len() >= 6, "the bytes are checked for what they mean: {kinds:?}");
}

/// A checksum detects damage. Even if it did not, nothing may panic.
#[test]
fn damage_that_fits_the_checksum_does_not_panic() {
    let sample = Sample::new();
    let (mut refused, mut accepted) = (0, 0);
    for at in sample.header.section(Section::Info).range() {
        for flipped in [0xff, 0x80, 1] {
            let bytes = sample.with(|bytes| {
                bytes[at] ^= flipped;
                sample.header.seal(bytes);
            });
            let _ = inspect(&bytes);
            match load(&sample.engine, &bytes) {
                Err(Error::Artifact(_)) => refused += 1,
                Err(error) => panic!("byte {at}: {error}"),
                Ok(module) => {
                    accepted += 1;
                    assert!(module.imports().count() < 1 << 20 && module.exports().count() < 1 << 20);
                    let _ = module.export("fib");
                }
            }
        }
    }
    assert!(refused > 0 && accepted > 0, "{refused} refused, {accepted} accepted");
}
