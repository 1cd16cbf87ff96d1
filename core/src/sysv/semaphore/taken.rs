//! What a waiter thread has done for somebody who may never hear of it.
//!
//! It is all done with SEM_UNDO: if the process is killed before the thread's word has arrived, the kernel undoes it. What
//! was not to be undone is turned into that when it is handed over, by an operation and its opposite in one call, of which
//! only one counts for the undo: the value stays, and nobody sees anything of it. (If somebody sets the value in between,
//! which makes the kernel forget its undos, that one is left over, and undone at the end of the process.)

use nix::errno::Errno;

use super::account::Account;
use super::{Operation, sys, waited};
use crate::error::{Error, Result};
use crate::sys::cancel::Flag;

/// Operations that have been done. Dropped, they are undone as far as that can be.
#[derive(Debug)]
pub struct Taken {
    id: i32,
    operations: Vec<Operation>,
    /// Whether the end of the process would undo all of them.
    guarded: bool,
}

impl Taken {
    /// Does `operations` upon the set with that id, for as long as it takes or until `flag` is raised.
    pub fn wait(id: i32, operations: Vec<Operation>, flag: &Flag) -> Result<Self> {
        let guarding: Vec<Operation> = operations.iter().map(|operation| operation.undone(true)).collect();
        match sys::operate_waiting(id, &guarding, flag) {
            Ok(()) => Ok(Self { id, operations, guarded: true }),
            // Either it is too much for a value, or only for what the kernel would undo.
            Err(Error::Os { errno: Errno::ERANGE, .. }) if guarding != operations => {
                sys::operate_waiting(id, &operations, flag).map_err(|error| waited(error, id))?;
                Ok(Self { id, operations, guarded: false })
            }
            Err(error) => Err(waited(error, id)),
        }
    }

    /// Whoever wanted it has it from here on. To be called on his thread, on whose account it goes.
    pub fn hand_over(mut self) {
        let operations = std::mem::take(&mut self.operations);
        if self.guarded {
            unguard(self.id, &operations);
        }
        Account::of(self.id).record(&operations);
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        let opposites: Vec<Operation> = self
            .operations
            .iter()
            .rev()
            .filter(|operation| operation.amount != 0)
            .map(|operation| opposite(*operation).undone(self.guarded || operation.is_undone()))
            .collect();
        if opposites.is_empty() || sys::operate(self.id, &opposites).is_ok() {
            return;
        }
        // What was given may have been taken by others: the kernel deals with that, as with any undo, when the process ends.
        for opposite in opposites {
            drop(sys::operate_one(self.id, opposite));
        }
    }
}

fn opposite(operation: Operation) -> Operation {
    Operation::new(operation.index, operation.amount.saturating_neg())
}

/// Has the end of the process not undo what is not to be undone of these.
fn unguard(id: i32, operations: &[Operation]) {
    let lasting = || operations.iter().filter(|operation| !operation.is_undone() && operation.amount != 0);
    let pairs: Vec<Operation> =
        lasting().flat_map(|operation| [opposite(*operation).undone(true), *operation]).collect();
    if pairs.is_empty() || sys::operate(id, &pairs).is_ok() {
        return;
    }
    for operation in lasting() {
        unguard_one(id, *operation);
    }
}

/// The same near the ends of what a value can be: first this one and then its opposite, or in smaller parts. One permit is
/// always possible, unless the set has gone.
fn unguard_one(id: i32, operation: Operation) {
    let mut left = operation.amount;
    let mut part = left;
    while left != 0 {
        let again = Operation::new(operation.index, part);
        let back = opposite(again).undone(true);
        if sys::operate(id, &[back, again]).is_ok() || sys::operate(id, &[again, back]).is_ok() {
            left -= part;
            part = if part.unsigned_abs() > left.unsigned_abs() { left } else { part };
        } else if part.unsigned_abs() > 1 {
            part /= 2;
        } else {
            return;
        }
    }
}
