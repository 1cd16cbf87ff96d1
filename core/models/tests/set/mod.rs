//! A System V semaphore set in the model's memory: a list of operations is done at once or not at all, and whoever cannot go
//! on waits. The kernel serves its queue in order; here any order may come, which is more than can happen.

use std::sync::Arc;

use shuttle::sync::{Condvar, Mutex};

/// One operation: which semaphore, and by how much; 0 waits for 0.
pub type Operation = (usize, i32);

/// See the module.
pub struct Set {
    values: Mutex<Vec<i32>>,
    changed: Condvar,
}

impl Set {
    /// With these values.
    pub fn new(values: &[i32]) -> Arc<Self> {
        Arc::new(Self { values: Mutex::new(values.to_vec()), changed: Condvar::new() })
    }

    /// Does it now or not at all.
    pub fn attempt(&self, operations: &[Operation]) -> bool {
        let mut values = self.values.lock().unwrap();
        let done = apply(&mut values, operations);
        drop(values);
        if done {
            self.changed.notify_all();
        }
        done
    }

    /// Does it, as long as it takes.
    pub fn operate(&self, operations: &[Operation]) {
        self.operate_or(operations, |_| false);
    }

    /// The same, until `leaves` says so of the values: false then, and nothing was done.
    pub fn operate_or(&self, operations: &[Operation], leaves: impl Fn(&[i32]) -> bool) -> bool {
        let mut values = self.values.lock().unwrap();
        loop {
            if apply(&mut values, operations) {
                drop(values);
                self.changed.notify_all();
                return true;
            }
            if leaves(&values) {
                return false;
            }
            values = self.changed.wait(values).unwrap();
        }
    }

    /// One value.
    pub fn value(&self, index: usize) -> i32 {
        self.values.lock().unwrap()[index]
    }

    /// All values anew.
    pub fn set_values(&self, values: &[i32]) {
        self.values.lock().unwrap().copy_from_slice(values);
        self.changed.notify_all();
    }
}

fn apply(values: &mut Vec<i32>, operations: &[Operation]) -> bool {
    let mut after = values.clone();
    for &(index, amount) in operations {
        if amount == 0 && after[index] != 0 || after[index] + amount < 0 {
            return false;
        }
        after[index] += amount;
    }
    *values = after;
    true
}
