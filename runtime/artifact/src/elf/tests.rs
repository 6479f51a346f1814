//! Tests of the whole file: written, read, damaged, and shown by binutils.

use std::process::Command;

use zerocopy::little_endian::U64;

use super::*;
use crate::TrapCode;
use crate::address_map::AddressMapBuilder;
use crate::config::{CpuFeatures, FORMAT_VERSION};
use crate::handlers::{Handler, HandlersBuilder};
use crate::header::{Compare, HEADER_OFFSET, Part, reseal};
use crate::info::{FuncRow, InfoBuilder, ItemKind, RunRow, Span};
use crate::names::NamesBuilder;
use crate::stack_maps::StackMapsBuilder;
use crate::traps::TrapsBuilder;

const BUILD: [u8; 16] = *b"this is a build!";

/// `push rbp; mov rbp, rsp; pop rbp; ret`.
const CODE: [u8; 6] = [0x55, 0x48, 0x89, 0xe5, 0x5d, 0xc3];

fn expect() -> Expect {
    Expect {
        build: BUILD,
        config: None,
        cpu: config().cpu,
    }
}

fn config() -> Config {
    Config {
        cpu: CpuFeatures::X86_64_V2,
        ..Config::native()
    }
}

/// The handler of the function that begins here.
fn handler(start: u32) -> Handler {
    Handler {
        landing: start + 4,
        depth: 16,
    }
}

/// An artifact with something in every section: two functions, the second of which has a name.
fn sample() -> Vec<u8> {
    let mut file = vec![0; Writer::TEXT_START];
    let mut traps = TrapsBuilder::new();
    let mut addresses = AddressMapBuilder::new();
    let mut stack_maps = StackMapsBuilder::new();
    let mut handlers = HandlersBuilder::new();
    let mut names = NamesBuilder::new();
    let mut info = InfoBuilder::default();
    let len = u32::try_from(CODE.len()).expect("small");
    for start in [0, 32] {
        file.resize(Writer::TEXT_START + start as usize, 0xcc);
        file.extend_from_slice(&CODE);
        traps.push(start + 1, TrapCode::Unreachable);
        addresses.push(start, 100 + start);
        stack_maps.push(start + 5, 16);
        handlers.push(start + 5, handler(start));
        info.funcs.push(FuncRow {
            start: start.into(),
            len: len.into(),
            ..FuncRow::default()
        });
        names.func((start == 32).then_some("second")).expect("short");
    }
    names.module("app").expect("short");
    let first = names.string("wasm_function_0").expect("short");
    let second = names.func_string(1).expect("named");

    let mut writer = Writer::new(file);
    let run = writer.section(Section::Image, |out| {
        let start = out.len();
        out.resize(start + PAGE, 7);
        RunRow {
            offset: U64::new(65536),
            file_offset: U64::new(start as u64),
            len: U64::new(PAGE as u64),
        }
    });
    info.runs.push(run);
    info.string("a string");
    writer.section(Section::Tables, |out| out.extend_from_slice(&[1; 16]));
    writer.section(Section::Data, |out| out.extend_from_slice(b"data"));
    writer.section(Section::Info, |out| out.extend(info.encode()));
    writer.section(Section::Traps, |out| traps.finish(out));
    writer.section(Section::AddressMap, |out| addresses.finish(out));
    writer.section(Section::StackMaps, |out| stack_maps.finish(out));
    writer.section(Section::Handlers, |out| handlers.finish(out));
    writer.section(Section::Names, |out| names.names(out)).expect("short");
    writer.debug_section(".debug_info", b"dwarf");
    writer.debug_section(".debug_info", b"again");
    writer.debug_section(".debug_info_x", b"longer");
    writer.debug_section("something else", b"ignored");
    let rows = [(first, 0), (second, 32)].map(|(name, start)| SymbolRow { name, start, len });
    writer.symbols(rows.into_iter());
    writer.section(Section::Strings, |out| out.extend_from_slice(names.strings()));
    writer.finish(BUILD, &config(), 77)
}

/// Reads everything in an artifact.
fn exercise(file: &[u8]) -> Result<(), Stale> {
    let artifact = Artifact::read(file, &expect(), Compare::Head)?;
    let _ = (
        artifact.verify(),
        artifact.config(),
        artifact.text(),
        artifact.executable(),
    );
    let info = artifact.info();
    for at in [0, 1, 5, 6, 31, 32, 33, 40, u32::MAX] {
        let _ = (
            artifact.traps().lookup(at),
            artifact.address_map().map(|map| map.lookup(at)),
            artifact.stack_maps().lookup(at).count(),
        );
        let _ = (
            artifact.func_name(at),
            info.func_at(at),
            info.sig_of(at),
            info.func_type(at),
            info.item_type(ItemKind::Func, at),
        );
    }
    let _ = (
        artifact.data(),
        artifact.tables(),
        artifact.module_name(),
        artifact.code_section(),
    );
    let _ = (
        artifact.debug_section(".debug_info"),
        info.export("a"),
        info.string(Span::new(0, 8)),
    );
    Ok(())
}

#[test]
fn everything_reads_back() {
    let file = sample();
    let artifact = Artifact::read(&file, &expect(), Compare::Head).expect("fits");
    artifact.verify().expect("whole");
    assert_eq!(*artifact.config(), config());
    assert_eq!(artifact.text(), PAGE..PAGE + 38);
    assert_eq!(artifact.executable(), PAGE..2 * PAGE);
    assert_eq!(artifact.info().func_at(33), Some(1));
    assert_eq!(artifact.traps().lookup(33), Some(TrapCode::Unreachable));
    assert_eq!(artifact.address_map().expect("kept").lookup(34), Some(132));
    assert!(artifact.stack_maps().lookup(37).eq([16]));
    assert_eq!(artifact.handlers().lookup(37), Some(handler(32)));
    assert_eq!(artifact.data(), b"data");
    assert_eq!(artifact.tables(), [1; 16]);
    assert_eq!(
        [0, 1, 2].map(|func| artifact.func_name(func)),
        [None, Some("second"), None]
    );
    assert_eq!(artifact.module_name(), Some("app"));
    assert_eq!(artifact.code_section(), 77);
    let debug = [".debug_info", ".debug_info_x", ".debug_inf", ".debug_line", ".text", ""];
    assert_eq!(
        debug.map(|name| artifact.debug_section(name)),
        [Some(&b"dwarf"[..]), Some(b"longer"), None, None, None, None]
    );
    let run = artifact.info().runs[0];
    assert_eq!(
        file[usize::try_from(run.file_offset.get()).expect("small")..][..PAGE],
        [7; PAGE]
    );
    assert_eq!(file, sample(), "the same input gives the same bytes");
}

#[test]
fn what_does_not_fit_has_its_own_reason() {
    let file = sample();
    let stale = |file: &[u8], expect: &Expect| Artifact::read(file, expect, Compare::Head).err();
    assert_eq!(stale(&file, &expect()), None);
    assert_eq!(
        stale(
            &file,
            &Expect {
                config: Some(config()),
                ..expect()
            }
        ),
        None
    );
    assert_eq!(
        stale(
            &file,
            &Expect {
                build: [0; 16],
                ..expect()
            }
        ),
        Some(Stale::Build)
    );
    let less = CpuFeatures::X86_64_V2.without(CpuFeatures::POPCNT);
    assert_eq!(
        stale(&file, &Expect { cpu: less, ..expect() }),
        Some(Stale::Cpu(CpuFeatures::POPCNT))
    );
    let other = Config {
        address_map: false,
        ..config()
    };
    assert_eq!(
        stale(
            &file,
            &Expect {
                config: Some(other),
                ..expect()
            }
        ),
        Some(Stale::Config)
    );
    assert_eq!(stale(&[&file[..], &[0]].concat(), &expect()), Some(Stale::Length));
    assert_eq!(stale(b"\0asm\x01\0\0\0", &expect()), Some(Stale::NotAnArtifact));

    // Offsets in the header: see the drawing there.
    let resealed = [
        ("magic", 0, Stale::NotAnArtifact),
        (
            "version",
            8,
            Stale::FormatVersion {
                found: FORMAT_VERSION ^ 0xff,
            },
        ),
        ("target", 32, Stale::Target),
        ("settings", 64 + 8, Stale::Config),
        ("place of the text", 104, Stale::Sections),
        ("place of the image", 104 + 32, Stale::Sections),
    ];
    for (what, at, reason) in resealed {
        let mut file = file.clone();
        file[HEADER_OFFSET + at] ^= 0xff;
        reseal(&mut file);
        assert_eq!(stale(&file, &expect()), Some(reason), "{what}");
    }
    let mut damaged = file.clone();
    damaged[HEADER_OFFSET - 1] ^= 1;
    assert_eq!(stale(&damaged, &expect()), Some(Stale::Checksum(Part::Head)));
}

#[test]
fn a_file_cut_anywhere_is_refused() {
    let file = sample();
    for len in 0..file.len() {
        assert_eq!(exercise(&file[..len]), Err(Stale::Truncated), "cut at {len}");
    }
}

#[test]
fn each_changed_byte_is_found() {
    let mut file = sample();
    for at in 0..file.len() {
        file[at] ^= 0x10;
        let found = Artifact::read(&file, &expect(), Compare::Head).and_then(|artifact| artifact.verify());
        assert!(found.is_err(), "byte {at}");
        let _ = exercise(&file);
        file[at] ^= 0x10;
    }
}

#[test]
fn damage_that_the_checksum_hides_does_not_panic() {
    let mut file = sample();
    let info = Artifact::read(&file, &expect(), Compare::Head)
        .expect("fits")
        .section(Section::Info);
    for at in (0..HEADER_OFFSET + 400).chain(info) {
        let byte = file[at];
        for value in [byte ^ 1, byte ^ 0x80, byte.wrapping_add(1), 0xff] {
            file[at] = value;
            reseal(&mut file);
            let _ = exercise(&file);
        }
        file[at] = byte;
    }
    reseal(&mut file);
    exercise(&file).expect("mended");
}

#[test]
fn a_run_outside_of_the_image_is_refused() {
    let mut file = sample();
    let info = Artifact::read(&file, &expect(), Compare::Head)
        .expect("fits")
        .section(Section::Info);
    let image = (2 * PAGE as u64).to_le_bytes();
    let at = info.start
        + file[info]
            .windows(8)
            .position(|window| window == image)
            .expect("the run's place");
    for place in [1, PAGE as u64, 3 * PAGE as u64, u64::MAX - 4095] {
        file[at..at + 8].copy_from_slice(&place.to_le_bytes());
        reseal(&mut file);
        assert_eq!(exercise(&file), Err(Stale::Sections), "{place:#x}");
    }
}

#[test]
fn binutils_read_it() {
    let path = std::env::temp_dir().join(format!("wrun-artifact-test-{}", std::process::id()));
    std::fs::write(&path, sample()).expect("temporary files can be written");
    let run = |program: &str, arguments: &[&str]| {
        let output = Command::new(program)
            .args(arguments)
            .arg(&path)
            .output()
            .expect("binutils is installed");
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success() && errors.is_empty(), "{program}: {errors}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let disassembly = run("objdump", &["-d"]);
    let sections = run("readelf", &["-W", "-h", "-l", "-S", "-s"]);
    std::fs::remove_file(&path).expect("just written");
    for (text, part) in [
        (&disassembly, "0000000000001020 <second>:"),
        (&disassembly, "<wasm_function_0>:"),
        (&disassembly, "mov    %rsp,%rbp"),
        (&sections, ".wrun.debug_info_x"),
        (&sections, "0000000000001020     6 FUNC    LOCAL  DEFAULT    1 second"),
    ] {
        assert!(text.contains(part), "`{part}` is not in:\n{text}");
    }
}
