//! Finds the form of exceptions that a module uses.
//!
//! Input: bodies. Output: [`ExceptionForm`]. Only the instructions that catch exceptions or pass them on tell the forms apart:
//! `throw` and tags belong to both.

use wasmparser::{FunctionBody, Operator};

/// The form of exceptions that a module uses: which instructions catch them or pass them on.
#[derive(Copy, Clone, Default, PartialEq, Eq, Debug)]
pub enum ExceptionForm {
    /// It catches no exceptions, but it may throw some.
    #[default]
    None,
    /// The form of WebAssembly 3.0: `try_table` and `throw_ref`.
    Exnref,
    /// The form from before WebAssembly 3.0: `try`, `catch`, `catch_all`, `delegate` and `rethrow`.
    Legacy,
    /// Both forms.
    Both,
}

impl ExceptionForm {
    /// Returns its name in descriptions of a module.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Exnref => "exnref",
            Self::Legacy => "legacy",
            Self::Both => "both",
        }
    }

    /// Adds the form that a body uses. What follows a malformed instruction does not count.
    pub(super) fn add_body(&mut self, body: &FunctionBody<'_>) {
        let Ok(operators) = body.get_operators_reader() else {
            return;
        };
        for op in operators {
            match op {
                Ok(op) => self.add(&op),
                Err(_) => return,
            }
        }
    }

    fn add(&mut self, op: &Operator<'_>) {
        *self = match (*self, form_of(op)) {
            (form, None) => form,
            (Self::None, Some(form)) => form,
            (form, Some(other)) if form == other => form,
            _ => Self::Both,
        };
    }
}

/// Returns the form that an instruction belongs to, if it belongs to only one.
fn form_of(op: &Operator<'_>) -> Option<ExceptionForm> {
    match op {
        Operator::TryTable { .. } | Operator::ThrowRef => Some(ExceptionForm::Exnref),
        Operator::Try { .. }
        | Operator::Catch { .. }
        | Operator::CatchAll
        | Operator::Delegate { .. }
        | Operator::Rethrow { .. } => Some(ExceptionForm::Legacy),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::describe::describe;

    #[test]
    fn the_instructions_that_catch_tell_the_forms_apart() {
        let try_table = "(func (block $caught (try_table (catch_all $caught))))";
        let throw_ref = "(func (param exnref) (throw_ref (local.get 0)))";
        let legacy = "(func try catch_all end)";
        let delegate = "(func try try delegate 0 catch_all rethrow 0 end)";
        for (form, bodies) in [
            (ExceptionForm::None, &["(func (throw 0))"][..]),
            (ExceptionForm::Exnref, &[try_table]),
            (ExceptionForm::Exnref, &["(func)", throw_ref, try_table]),
            (ExceptionForm::Legacy, &[legacy, delegate]),
            (ExceptionForm::Both, &[legacy, try_table]),
            (ExceptionForm::Both, &[throw_ref, "(func)", legacy, throw_ref]),
        ] {
            let text = format!("(module (tag) {})", bodies.concat());
            let found = describe(&wat::parse_str(&text).expect("text")).expect("readable");
            assert_eq!(found.exceptions, form, "{text}");
        }
    }
}
