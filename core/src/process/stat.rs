//! /proc/PID/stat: see proc_pid_stat(5).

/// The fields behind the name of the program, which may hold anything.
fn fields(stat: &str) -> impl Iterator<Item = &str> {
    stat.rsplit_once(')').map_or("", |(_, rest)| rest).split_ascii_whitespace()
}

/// The field of that number, as the page counts them: the first one behind the name is 3.
fn field<T: std::str::FromStr>(stat: &str, number: usize) -> Option<T> {
    fields(stat).nth(number - 3)?.parse().ok()
}

/// Whose child it is; 0 for one from outside the PID namespace.
pub(crate) fn parent(stat: &str) -> Option<i32> {
    field(stat, 4)
}

/// When it was started, in clock ticks since the system was.
pub(crate) fn start(stat: &str) -> Option<u64> {
    field(stat, 22)
}

/// Its status in the form of wait(2), which is 0 for whoever may not know.
pub(crate) fn exit_code(stat: &str) -> Option<i32> {
    field(stat, 52)
}

/// A zombie has ended, only nobody has asked after it.
pub(crate) fn has_ended(stat: &str) -> bool {
    matches!(fields(stat).next(), Some("Z" | "X" | "x"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_behind_whatever_the_program_is_called() {
        let stat = "12 (a ) b) R 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 4711 20 21";
        assert_eq!((parent(stat), start(stat), exit_code(stat)), (Some(1), Some(4711), None));
        assert_eq!(start("12 (a) R 1"), None);
        assert!(has_ended("12 (R) Z 1") && !has_ended("12 (Z) S 1"));
    }
}
