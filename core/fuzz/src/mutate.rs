//! Mutations that keep to the grammar of an input, so that most of what comes out is understood and little of it is
//! sensible. libFuzzer's own, which know no grammar, take their turn with these.

use crate::source::STEP;

/// What an input is made of.
#[derive(Clone, Copy, Debug)]
pub enum Grammar {
    /// Steps of eight bytes: see [`crate::source::Step`].
    Steps,
    /// Words of a language, which these are.
    Tokens(&'static [&'static str]),
}

/// Small, and good enough.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound.max(1) as u64) as usize
    }
}

/// One to four changes of `input`, which stays within `most` bytes.
pub fn mutate(grammar: Grammar, input: &mut Vec<u8>, most: usize, seed: u32) {
    let mut dice = Dice(u64::from(seed) << 17);
    for _ in 0..=dice.below(4) {
        match grammar {
            Grammar::Steps => mutate_steps(input, &mut dice),
            Grammar::Tokens(tokens) => mutate_text(input, tokens, &mut dice),
        }
        input.truncate(most);
    }
}

fn mutate_steps(input: &mut Vec<u8>, dice: &mut Dice) {
    let count = input.len() / STEP;
    let at = dice.below(count.max(1)) * STEP;
    let other = dice.below(count.max(1)) * STEP;
    match dice.below(10) {
        // A new one, most of it small numbers.
        0 | 1 => drop(input.splice(at..at, fresh(dice))),
        2 if count > 1 => drop(input.drain(at..at + STEP)),
        3 if count > 0 => {
            let copy: Vec<u8> = input[at..at + STEP].to_vec();
            drop(input.splice(other..other, copy));
        }
        4 if count > 1 => {
            for offset in 0..STEP {
                input.swap(at + offset, other + offset);
            }
        }
        // A run of steps again.
        5 if count > 1 => {
            let (from, to) = (at.min(other), at.max(other) + STEP);
            let copy: Vec<u8> = input[from..to].to_vec();
            drop(input.splice(to..to, copy));
        }
        _ if count > 0 => {
            let field = at + [0, 1, 2, 3, 4, 4, 5, 7][dice.below(8)];
            match dice.below(4) {
                0 => input[field] = dice.next() as u8,
                1 => input[field] = input[field].wrapping_add(1),
                2 => input[field] = input[field].wrapping_sub(1),
                _ => input[field] ^= 1 << dice.below(8),
            }
        }
        _ => input.extend(fresh(dice)),
    }
}

fn fresh(dice: &mut Dice) -> [u8; STEP] {
    let mut step = dice.next().to_le_bytes();
    for byte in &mut step[..4] {
        *byte %= 16;
    }
    if dice.below(2) == 0 {
        step[5..].fill(0);
    }
    step
}

fn mutate_text(input: &mut Vec<u8>, tokens: &[&str], dice: &mut Dice) {
    let token = tokens[dice.below(tokens.len())].as_bytes();
    let at = dice.below(input.len() + 1);
    let to = at + dice.below((input.len() - at).min(16) + 1);
    match dice.below(8) {
        0..=2 => drop(input.splice(at..at, token.iter().copied())),
        3 => drop(input.splice(at..to, token.iter().copied())),
        4 => drop(input.drain(at..to)),
        5 => {
            let copy = input[at..to].to_vec();
            let elsewhere = dice.below(input.len() + 1);
            drop(input.splice(elsewhere..elsewhere, copy));
        }
        6 => {
            let again = token.repeat(1 << dice.below(9));
            drop(input.splice(at..at, again));
        }
        _ => match input.get_mut(at) {
            Some(byte) => *byte = dice.next() as u8,
            None => input.push(dice.next() as u8),
        },
    }
}
