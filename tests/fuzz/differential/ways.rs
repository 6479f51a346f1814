//! wrun itself as an oracle: a module runs in several ways, and each of them must do the same.

use wrun_artifact::index::{DefinedFuncIndex, Index};
use wrun_compiler::{Options, compile_subset};
use wrun_runtime::{
    Config, CpuFeatures, Engine, Error, Extern, ExternRef, ExternType, Global, Imports, IndexType, Instance,
    MemoryMode, Module, Store, Tag, TrapCode, Value,
};
use wrun_tests::Random;

use super::load::load;
use super::record::{Call, End, Record, Step, Val, hash};

/// The calls that a module can make before it traps. Each call of an export sets it anew.
pub(crate) const FUEL: i32 = 1000;

/// The name of a tag that the module does not export.
pub(crate) const NOT_EXPORTED: &str = "not exported";

/// A way of compiling and running.
pub(crate) struct Way {
    pub(crate) name: &'static str,
    engine: Engine,
    /// The settings of the compiler, if only some of the functions are compiled.
    subset: Option<wrun_artifact::config::Config>,
}

/// Returns all ways, the usual one first.
pub(crate) fn ways(deterministic: bool) -> Vec<Way> {
    type Change = fn(&mut Config) -> &mut Config;
    let changes: [(&str, Change); 7] = [
        ("plain", |config| config),
        ("without alias analysis", |config| config.alias_analysis(false)),
        ("padded", |config| config.padding(70_000)),
        ("checked memory", |config| config.memory_mode(MemoryMode::Checked)),
        ("collecting always", |config| config.collect_always(true)),
        ("x86-64-v2", |config| config.cpu(CpuFeatures::X86_64_V2)),
        ("without address map, checked, x86-64-v2", |config| {
            let config = config.address_map(false).memory_mode(MemoryMode::Checked);
            config.cpu(CpuFeatures::X86_64_V2).alias_analysis(false)
        }),
    ];
    let way = |(name, change): (&'static str, Change)| {
        let mut config = Config::new();
        change(config.threads(1).deterministic(deterministic));
        Way {
            name,
            engine: Engine::new(&config).expect("signals can be handled"),
            subset: None,
        }
    };
    let mut ways: Vec<Way> = changes.map(way).into();
    let settings = wrun_artifact::config::Config {
        deterministic,
        ..wrun_artifact::config::Config::native()
    };
    ways.push(Way {
        name: "subset",
        engine: Engine::new(Config::new().deterministic(deterministic)).expect("signals can be handled"),
        subset: Some(settings),
    });
    ways
}

impl Way {
    /// Compiles a module. `seed` chooses the functions of a subset.
    pub(crate) fn compile(&self, wasm: &[u8], seed: u64) -> Result<Module, Error> {
        let Some(settings) = &self.subset else {
            return Module::new(&self.engine, wasm);
        };
        let wanted = |func: DefinedFuncIndex| !Random::new(seed ^ func.index() as u64).once_in(4);
        let (artifact, _) = compile_subset(wasm, settings, &Options::default(), wanted)?;
        load(&self.engine, &artifact)
    }

    /// Runs the calls, and records everything that the module exports.
    pub(crate) fn run(&self, module: &Module, calls: &[Call]) -> Record {
        let mut store = Store::new(&self.engine, ());
        let instance = match Instance::new(&mut store, module, &Imports::new(&self.engine)) {
            Ok(instance) => instance,
            Err(error) => return vec![(Step::Start, end(&mut store, &[], Err(error)))],
        };
        let tags = tags(&mut store, module, &instance);
        let fuel = instance.global(&mut store, "fuel");
        let mut record = vec![(Step::Start, End::Values(Vec::new()))];
        for (number, call) in calls.iter().enumerate() {
            refuel(&mut store, fuel.as_ref());
            let func = instance.func(&mut store, &call.name).expect("exported");
            let args: Vec<Value> = call.args.iter().map(value).collect();
            let result = func.call(&mut store, &args);
            let end = end(&mut store, &tags, result);
            let limit = matches!(end, End::Limit(_));
            record.push((Step::Call(number), end));
            if limit {
                return record;
            }
        }
        for export in module.exports() {
            record.extend(state(&mut store, &instance, export.name));
        }
        record
    }
}

fn tags(store: &mut Store<()>, module: &Module, instance: &Instance) -> Vec<(String, Tag)> {
    let tag = |name: &str, store: &mut Store<()>| Some((name.to_owned(), instance.tag(store, name)?));
    module.exports().filter_map(|export| tag(export.name, store)).collect()
}

fn refuel(store: &mut Store<()>, fuel: Option<&Global>) {
    if let Some(fuel) = fuel {
        fuel.set(store, Value::I32(FUEL)).expect("of this type");
    }
}

/// Records an export that is part of the state.
fn state(store: &mut Store<()>, instance: &Instance, name: &str) -> Option<(Step, End)> {
    let item = instance.export(store, name)?;
    let is_fuel = name == "fuel";
    let name = name.to_owned();
    Some(match item {
        Extern::Global(_) if is_fuel => return None,
        Extern::Global(global) => (Step::Global(name), End::Values(vec![val(&global.get(store))])),
        Extern::Memory(memory) => {
            let bytes = memory.data(store);
            let values = [memory.size(store).cast_signed(), bytes.len() as i64, hash(bytes)];
            let ty = memory.ty(store);
            let step = Step::Memory {
                name,
                is_64_bit: ty.index == IndexType::I64,
            };
            (step, End::Values(values.map(Val::I64).into()))
        }
        Extern::Table(table) => {
            let size = table.size(store);
            let mut values = vec![Val::I64(size.into())];
            values.extend((0..size).map(|index| val(&table.get(store, index).expect("in bounds"))));
            (Step::Table(name), End::Values(values))
        }
        Extern::Func(_) | Extern::Tag(_) => return None,
    })
}

/// Returns calls of all exported functions with fixed arguments.
pub(crate) fn calls(module: &Module, random: &mut Random) -> Vec<Call> {
    let mut calls = Vec::new();
    for export in module.exports() {
        let ExternType::Func(ty) = export.ty else { continue };
        for _ in 0..2 {
            // wasmtime gets a reference to an exception from a wasm function, which has no host objects.
            let plain = !ty.params().iter().any(|ty| ty.is_exn());
            let args = ty
                .params()
                .iter()
                .map(|ty| match argument(Value::default_of(*ty), random) {
                    Val::Extern(_) if !plain => Val::Extern(None),
                    val => val,
                });
            calls.push(Call {
                name: export.name.to_owned(),
                args: args.collect(),
                ty: ty.clone(),
            });
        }
    }
    calls
}

/// Returns an argument of the same type as `zero`.
fn argument(zero: Value, random: &mut Random) -> Val {
    let bits = match random.below(4) {
        0 => 0,
        1 => random.next() % 100,
        2 => [u64::MAX, 1 << 63, (1 << 63) - 1, 0x7fff_ffff_8000_0000][random.below(4)],
        _ => random.next(),
    };
    match zero {
        Value::I32(_) => Val::I32(bits as i32),
        Value::I64(_) => Val::I64(bits.cast_signed()),
        Value::F32(_) => Val::F32((bits as i32 as f32).to_bits()),
        Value::F64(_) => Val::F64((bits.cast_signed() as f64).to_bits()),
        Value::V128(_) => Val::V128(u128::from(bits) << 64 | u128::from(random.next())),
        Value::FuncRef(_) => Val::Func(false),
        Value::ExternRef(_) => Val::Extern((bits % 2 == 1).then_some(bits as u32)),
        Value::ExnRef(_) => Val::Exn(false),
    }
}

fn value(val: &Val) -> Value {
    match *val {
        Val::I32(value) => Value::I32(value),
        Val::I64(value) => Value::I64(value),
        Val::F32(bits) => Value::F32(bits),
        Val::F64(bits) => Value::F64(bits),
        Val::V128(bits) => Value::V128(bits),
        Val::Func(_) => Value::FuncRef(None),
        Val::Extern(number) => Value::ExternRef(number.map(ExternRef::new)),
        Val::Exn(_) => Value::ExnRef(None),
    }
}

fn val(value: &Value) -> Val {
    match value {
        Value::I32(value) => Val::I32(*value),
        Value::I64(value) => Val::I64(*value),
        Value::F32(bits) => Val::F32(*bits),
        Value::F64(bits) => Val::F64(*bits),
        Value::V128(bits) => Val::V128(*bits),
        Value::FuncRef(func) => Val::Func(func.is_some()),
        Value::ExternRef(object) => {
            Val::Extern(object.as_ref().map(|object| *object.downcast_ref().expect("a number")))
        }
        Value::ExnRef(exception) => Val::Exn(exception.is_some()),
    }
}

fn end(store: &mut Store<()>, tags: &[(String, Tag)], result: Result<Vec<Value>, Error>) -> End {
    match result {
        Ok(values) => End::Values(values.iter().map(val).collect()),
        Err(Error::Trap(trap)) => match trap.code() {
            code @ (TrapCode::CallStackExhausted | TrapCode::FunctionMissing) => End::Limit(code.to_string()),
            code => End::Trap(code),
        },
        Err(Error::Exception(exception)) => {
            let tag = exception.tag(store).expect("of this store");
            let name = tags.iter().find(|(_, other)| *other == tag);
            let payload = exception.payload(store).expect("of this store");
            let name = name.map_or(NOT_EXPORTED, |(name, _)| name);
            End::Exception(name.to_owned(), payload.iter().map(val).collect())
        }
        Err(error @ (Error::Resource(_) | Error::AddressSpace(_))) => End::Limit(error.to_string()),
        Err(error) => End::Wrong(error.to_string()),
    }
}
