//! Random modules, run by wrun in several ways and by other engines, which must all do the same.
//!
//! A run lasts `WRUN_FUZZ_SECONDS` (2 unless set) and begins with a seed from the clock. Each module has a seed of its own, which a
//! difference names, and `WRUN_FUZZ_SEED` repeats it alone. The last seed that was tried is in the file `fuzz-seed` of the
//! directory for temporary files of tests, in case the process dies.

mod emit;
mod load;
mod node;
mod programs;
mod record;
mod smith;
mod wasmi;
mod wasmtime;
mod ways;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant, SystemTime};

use wrun_runtime::{FuncType, ValType};
use wrun_tests::{Random, skip};

use emit::Form;
use node::Node;
use record::{Call, End, Val, Verdict, compare};
use wasmi::Wasmi;
use wasmtime::Wasmtime;
use ways::{Way, ways};

/// The number of differences after which a run ends.
const ENOUGH: usize = 20;

/// The number of modules that another process runs at once.
const BATCH: usize = 200;

/// The seeds of one run, its results and counts.
struct Session {
    seed: u64,
    /// Absent if only one seed is to be run.
    end: Option<Instant>,
    done: bool,
    counts: Vec<(String, usize)>,
    differences: Vec<String>,
}

impl Session {
    fn new() -> Self {
        let number = |name| {
            std::env::var(name)
                .ok()
                .map(|text: String| text.parse::<u64>().expect("a number"))
        };
        let since = SystemTime::UNIX_EPOCH.elapsed().expect("the clock is right");
        let alone = number("WRUN_FUZZ_SEED");
        let seed = alone.unwrap_or(since.as_nanos() as u64);
        let seconds = Duration::from_secs(number("WRUN_FUZZ_SECONDS").unwrap_or(2));
        println!("first seed: {seed}");
        Self {
            seed,
            end: alone.is_none().then(|| Instant::now() + seconds),
            done: false,
            counts: Vec::new(),
            differences: Vec::new(),
        }
    }

    /// Returns the next seed, until the time is over.
    fn next(&mut self) -> Option<u64> {
        let over = match self.end {
            Some(end) => Instant::now() > end || self.differences.len() >= ENOUGH,
            None => self.done,
        };
        self.done = true;
        let seed = self.seed;
        self.seed = seed.wrapping_add(1);
        (!over).then_some(seed)
    }

    fn count(&mut self, what: &str) {
        match self.counts.iter_mut().find(|(name, _)| name == what) {
            Some((_, count)) => *count += 1,
            None => self.counts.push((what.to_owned(), 1)),
        }
    }

    fn difference(&mut self, seed: u64, text: &str) {
        println!("WRUN_FUZZ_SEED={seed}: {text}");
        self.differences.push(format!("WRUN_FUZZ_SEED={seed}: {text}"));
    }

    fn judge(&mut self, seed: u64, oracle: &str, verdict: Verdict) {
        match verdict {
            Verdict::Same => self.count(oracle),
            Verdict::Limit => self.count(&format!("{oracle}, up to a limit")),
            Verdict::Different(text) => self.difference(seed, &format!("{oracle}: {text}")),
        }
    }

    /// Runs `case` for each seed. A panic is a difference.
    fn run(mut self, mut case: impl FnMut(&mut Self, u64)) -> Self {
        let last = wrun_tests::temporary().join("fuzz-seed");
        while let Some(seed) = self.next() {
            std::fs::write(&last, seed.to_string()).expect("the build directory can be written");
            if catch_unwind(AssertUnwindSafe(|| case(&mut self, seed))).is_err() {
                self.difference(seed, "a panic");
            }
        }
        self
    }

    fn finish(mut self) {
        self.counts.sort();
        for (what, count) in &self.counts {
            println!("{count:>8} {what}");
        }
        assert!(self.differences.is_empty(), "{}", self.differences.join("\n"));
    }
}

/// Keeps a module that made a difference, if only its seed is run.
fn keep(session: &Session, wasm: &[u8]) {
    if session.end.is_none() {
        let path = wrun_tests::temporary().join("fuzz.wasm");
        std::fs::write(&path, wasm).expect("the build directory can be written");
        println!("the module: {}", path.display());
    }
}

#[test]
fn modules_of_wasm_smith_do_the_same_everywhere() {
    let wasmi = Wasmi::new();
    let all_ways = [ways(false), ways(true)];
    let mut wasmtime = find_wasmtime();
    let mut session =
        Session::new().run(|session, seed| smith_case(session, seed, &wasmi, wasmtime.as_mut(), &all_ways));
    wasmtime
        .iter_mut()
        .for_each(|wasmtime| ask_wasmtime(&mut session, wasmtime));
    session.finish();
}

fn find_wasmtime() -> Option<Wasmtime> {
    let found = Wasmtime::find();
    if found.is_none() {
        println!("not compared with wasmtime: there is no wasmtime 48");
    }
    found
}

fn ask_wasmtime(session: &mut Session, wasmtime: &mut Wasmtime) {
    for (seed, result) in wasmtime.run() {
        session.judge(seed, "wasmtime", result.map_or(Verdict::Same, Verdict::Different));
    }
}

fn smith_case(
    session: &mut Session,
    seed: u64,
    wasmi: &Wasmi,
    wasmtime: Option<&mut Wasmtime>,
    all_ways: &[Vec<Way>; 2],
) {
    let mut random = Random::new(seed);
    let for_wasmi = random.once_in(2);
    let relaxed = random.once_in(4);
    let Some(wasm) = smith::module(&mut random, for_wasmi, relaxed) else {
        return session.count("no module");
    };
    keep(session, &wasm);
    let ways = &all_ways[usize::from(relaxed)];
    let module = match ways[0].compile(&wasm, seed) {
        Ok(module) => module,
        Err(error) => return session.difference(seed, &format!("refused: {error}")),
    };
    session.count("module");
    let calls = ways::calls(&module, &mut random);
    let record = ways[0].run(&module, &calls);
    let way = &ways[1 + random.below(ways.len() - 1)];
    let other = way.compile(&wasm, seed).map(|module| way.run(&module, &calls));
    match other {
        Ok(other) => session.judge(
            seed,
            &format!("wrun: {}", way.name),
            compare(&record, &other, PartialEq::eq),
        ),
        Err(error) => session.difference(seed, &format!("{} is refused: {error}", way.name)),
    }
    // A module that is run alone shows which engine is wrong.
    if (!for_wasmi || session.end.is_none())
        && let Some(wasmtime) = wasmtime
        && wasmtime.add(seed, &wasm, &calls, &record) >= Some(BATCH)
    {
        ask_wasmtime(session, wasmtime);
    }
    if for_wasmi && !wasmi::computes_wrongly(&wasm) {
        match wasmi.run(&wasm, &calls) {
            Ok(other) => session.judge(seed, "wasmi", compare(&record, &other, wasmi::same)),
            Err(error) => session.difference(seed, &format!("wasmi refuses: {error}")),
        }
    }
}

#[test]
fn programs_with_exceptions_do_the_same_in_both_forms() {
    let ways = ways(false);
    let mut node = Node::find();
    if node.is_none() {
        skip("node", "there is no node to compare legacy exceptions with");
    }
    let mut wasmtime = find_wasmtime();
    let mut session = Session::new().run(|session, seed| {
        program_case(session, seed, &ways, node.as_mut(), wasmtime.as_mut());
    });
    node.iter_mut().for_each(|node| ask_node(&mut session, node));
    wasmtime
        .iter_mut()
        .for_each(|wasmtime| ask_wasmtime(&mut session, wasmtime));
    let ended = |how| session.counts.iter().any(|(what, _)| what == how);
    let few = !session
        .counts
        .iter()
        .any(|(what, count)| what == "program" && *count >= 100);
    assert!(
        few || [CALLS_RETURN, CALLS_THROW, CALLS_TRAP].into_iter().all(ended),
        "the programs do too little"
    );
    session.finish();
}

/// The calls of a program: `run` with fixed arguments, each followed by a hash of the memory.
fn program_calls() -> Vec<Call> {
    let run = |args: [i64; 2]| Call {
        name: "run".to_owned(),
        ty: FuncType::new([ValType::I64; 2], [ValType::I64]),
        args: args.map(Val::I64).into(),
    };
    let hash = || Call {
        name: "hash".to_owned(),
        ty: FuncType::new([], [ValType::I64]),
        args: Vec::new(),
    };
    let args = [[1, 2], [-5, 1 << 40], [1_000_003, 0]];
    args.into_iter().flat_map(|args| [run(args), hash()]).collect()
}

/// The ends of calls, for counting.
const CALLS_RETURN: &str = "calls that return";
const CALLS_THROW: &str = "calls that throw";
const CALLS_TRAP: &str = "calls that trap";

/// The forms of a program. wasmtime runs the first, and node the last.
const FORMS: [Form; 4] = [
    Form {
        legacy: false,
        references: true,
    },
    Form {
        legacy: true,
        references: true,
    },
    Form {
        legacy: false,
        references: false,
    },
    Form {
        legacy: true,
        references: false,
    },
];

fn program_case(
    session: &mut Session,
    seed: u64,
    ways: &[Way],
    node: Option<&mut Node>,
    wasmtime: Option<&mut Wasmtime>,
) {
    let mut random = Random::new(seed);
    let program = programs::program(&mut random);
    session.count("program");
    let calls = program_calls();
    let wasm = FORMS.map(|form| {
        let text = emit::module(&program, form);
        wat::parse_str(&text).unwrap_or_else(|error| panic!("seed {seed}, {form:?}: {error} in {text}"))
    });
    keep(session, &wasm[0]);
    let module = match ways[0].compile(&wasm[0], seed) {
        Ok(module) => module,
        Err(error) => return session.difference(seed, &format!("refused: {error}")),
    };
    let record = ways[0].run(&module, &calls);
    for (_, end) in &record {
        match end {
            End::Trap(_) => session.count(CALLS_TRAP),
            End::Exception(..) => session.count(CALLS_THROW),
            _ => session.count(CALLS_RETURN),
        }
    }
    for (form, wasm) in FORMS.iter().zip(&wasm).skip(1) {
        let way = &ways[random.below(ways.len())];
        let verdict = match way.compile(wasm, seed) {
            Ok(module) => compare(&record, &way.run(&module, &calls), PartialEq::eq),
            Err(error) => Verdict::Different(format!("refused: {error}")),
        };
        let legacy = if form.legacy { "legacy" } else { "exnref" };
        session.judge(seed, &format!("wrun: {legacy}, {}", way.name), verdict);
    }
    if let Some(wasmtime) = wasmtime
        && wasmtime.add(seed, &wasm[0], &calls, &record) >= Some(BATCH)
    {
        ask_wasmtime(session, wasmtime);
    }
    if let Some(node) = node
        && node.add(seed, &wasm[3], record) >= BATCH
    {
        ask_node(session, node);
    }
}

fn ask_node(session: &mut Session, node: &mut Node) {
    for (seed, verdict) in node.run() {
        session.judge(seed, "node", verdict);
    }
}
