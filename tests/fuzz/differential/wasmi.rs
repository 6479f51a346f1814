//! wasmi as an oracle.

use wasmi::{Engine, Error, Extern, ExternRef, Global, Instance, Module, Nullable, Ref, Store};
use wrun_runtime::TrapCode;

use super::record::{Call, End, Record, Step, Val, hash};
use super::ways::FUEL;

/// The engine, with every proposal that it has.
pub(crate) struct Wasmi(Engine);

impl Wasmi {
    pub(crate) fn new() -> Self {
        let mut config = wasmi::Config::default();
        config
            .set_max_recursion_depth(10_000)
            .set_max_stack_height(64 << 20)
            .wasm_tail_call(true)
            .wasm_extended_const(true)
            .wasm_custom_page_sizes(true)
            .wasm_multi_memory(true)
            .wasm_memory64(true)
            .wasm_wide_arithmetic(true)
            .wasm_simd(true)
            .wasm_relaxed_simd(true);
        Self(Engine::new(&config))
    }

    /// Runs the calls, and records everything that the module exports.
    pub(crate) fn run(&self, wasm: &[u8], calls: &[Call]) -> Result<Record, Error> {
        let module = Module::new(&self.0, wasm)?;
        let mut store = Store::new(&self.0, ());
        let instance = match Instance::new(&mut store, &module, &[]) {
            Ok(instance) => instance,
            Err(error) => return Ok(vec![(Step::Start, end(&error))]),
        };
        let fuel = instance.get_global(&store, "fuel");
        let mut record = vec![(Step::Start, End::Values(Vec::new()))];
        for (number, call) in calls.iter().enumerate() {
            refuel(&mut store, fuel);
            let func = instance.get_func(&store, &call.name).expect("exported");
            let args: Vec<_> = call.args.iter().map(|val| value(&mut store, val)).collect();
            let results = func.ty(&store).results().to_vec();
            let mut results: Vec<_> = results.into_iter().map(wasmi::Val::default_for_ty).collect();
            let end = match func.call(&mut store, &args, &mut results) {
                Ok(()) => End::Values(results.iter().map(|result| val(&store, result)).collect()),
                Err(error) => end(&error),
            };
            let limit = matches!(end, End::Limit(_));
            record.push((Step::Call(number), end));
            if limit {
                return Ok(record);
            }
        }
        for export in module.exports() {
            record.extend(state(&store, &instance, export.name()));
        }
        Ok(record)
    }
}

/// Returns true if two ends are equal, as far as wasmi tells traps apart.
pub(crate) fn same(one: &End, other: &End) -> bool {
    let coarse = |end: &End| match end {
        End::Trap(TrapCode::UndefinedElement) => End::Trap(TrapCode::TableOutOfBounds),
        other => other.clone(),
    };
    coarse(one) == coarse(other)
}

/// Returns true if the code has `const 1, local.get a, local.get a, eqz, select`, which wasm-smith puts before a division that may
/// not trap. wasmi 2.0.0 gives some of these divisions wrong operands.
pub(crate) fn computes_wrongly(wasm: &[u8]) -> bool {
    let is_it = |code: &[u8; 8]| matches!(*code, [0x41 | 0x42, 1, 0x20, a, 0x20, b, 0x45 | 0x50, 0x1b] if a == b);
    wasm.array_windows().any(is_it)
}

fn refuel(store: &mut Store<()>, fuel: Option<Global>) {
    if let Some(fuel) = fuel {
        fuel.set(store, wasmi::Val::I32(FUEL)).expect("of this type");
    }
}

fn state(store: &Store<()>, instance: &Instance, name: &str) -> Option<(Step, End)> {
    let item = instance.get_export(store, name)?;
    let is_fuel = name == "fuel";
    let name = name.to_owned();
    Some(match item {
        Extern::Global(_) if is_fuel => return None,
        Extern::Global(global) => (Step::Global(name), End::Values(vec![val(store, &global.get(store))])),
        Extern::Memory(memory) => {
            let bytes = memory.data(store);
            let values = [memory.size(store).cast_signed(), bytes.len() as i64, hash(bytes)];
            let ty = memory.ty(store);
            let step = Step::Memory {
                name,
                is_64_bit: ty.is_64(),
            };
            (step, End::Values(values.map(Val::I64).into()))
        }
        Extern::Table(table) => {
            let size = table.size(store);
            let mut values = vec![Val::I64(size.cast_signed())];
            values.extend((0..size).map(|index| element(store, &table.get(store, index).expect("in bounds"))));
            (Step::Table(name), End::Values(values))
        }
        Extern::Func(_) => return None,
    })
}

fn element(store: &Store<()>, element: &Ref) -> Val {
    match element {
        Ref::Func(func) => Val::Func(!func.is_null()),
        Ref::Extern(object) => external(store, object),
    }
}

fn external(store: &Store<()>, object: &Nullable<ExternRef>) -> Val {
    Val::Extern(
        object
            .val()
            .map(|object| *object.data(store).downcast_ref().expect("a number")),
    )
}

fn value(store: &mut Store<()>, val: &Val) -> wasmi::Val {
    match *val {
        Val::I32(value) => wasmi::Val::I32(value),
        Val::I64(value) => wasmi::Val::I64(value),
        Val::F32(bits) => wasmi::Val::F32(wasmi::F32::from_bits(bits)),
        Val::F64(bits) => wasmi::Val::F64(wasmi::F64::from_bits(bits)),
        Val::V128(bits) => wasmi::Val::V128(bits.into()),
        Val::Func(_) => wasmi::Val::FuncRef(Nullable::Null),
        Val::Extern(None) => wasmi::Val::ExternRef(Nullable::Null),
        Val::Extern(Some(number)) => wasmi::Val::ExternRef(Nullable::Val(ExternRef::new(store, number))),
        Val::Exn(_) => unreachable!("wasmi has no exceptions"),
    }
}

fn val(store: &Store<()>, value: &wasmi::Val) -> Val {
    match value {
        wasmi::Val::I32(value) => Val::I32(*value),
        wasmi::Val::I64(value) => Val::I64(*value),
        wasmi::Val::F32(value) => Val::F32(value.to_bits()),
        wasmi::Val::F64(value) => Val::F64(value.to_bits()),
        wasmi::Val::V128(value) => Val::V128(value.as_u128()),
        wasmi::Val::FuncRef(func) => Val::Func(!func.is_null()),
        wasmi::Val::ExternRef(object) => external(store, object),
    }
}

fn end(error: &Error) -> End {
    use wasmi::TrapCode as Code;
    let Some(code) = error.as_trap_code() else {
        // An element segment that does not fit its table is an error of its own.
        return match error.to_string() {
            text if text.contains("out of bounds table access") => End::Trap(TrapCode::TableOutOfBounds),
            text => End::Wrong(text),
        };
    };
    End::Trap(match code {
        Code::UnreachableCodeReached => TrapCode::Unreachable,
        Code::MemoryOutOfBounds => TrapCode::MemoryOutOfBounds,
        Code::TableOutOfBounds => TrapCode::TableOutOfBounds,
        Code::IndirectCallToNull => TrapCode::UninitializedElement,
        Code::IntegerDivisionByZero => TrapCode::IntegerDivideByZero,
        Code::IntegerOverflow => TrapCode::IntegerOverflow,
        Code::BadConversionToInteger => TrapCode::InvalidConversion,
        Code::BadSignature => TrapCode::IndirectCallTypeMismatch,
        Code::StackOverflow | Code::OutOfFuel | Code::GrowthOperationLimited | Code::OutOfSystemMemory => {
            return End::Limit(error.to_string());
        }
    })
}
