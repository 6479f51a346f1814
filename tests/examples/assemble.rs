//! Assembles a module in the text format: `assemble IN.wat OUT.wasm`. For engines that read the binary format only.

use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let [text, binary] = &arguments[..] else {
        eprintln!("usage: assemble IN.wat OUT.wasm");
        return ExitCode::FAILURE;
    };
    let assembled = wat::parse_file(text).map_err(|error| error.to_string());
    let written = assembled.and_then(|wasm| std::fs::write(binary, wasm).map_err(|error| format!("{binary}: {error}")));
    match written {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
