//! Numbers that an enemy would try.

/// Where arithmetic goes wrong, if it does.
const EDGES: [u32; 24] = [
    0,
    1,
    2,
    3,
    4,
    7,
    8,
    9,
    15,
    16,
    0x7f,
    0x80,
    0xff,
    0x100,
    0xfff8,
    0xffff,
    0x0fff_fff8,
    0x0fff_ffff,
    0x1000_0000,
    0x7fff_fff8,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_fff8,
    0xffff_ffff,
];

/// What is meant by `raw`: itself, an edge, or something near `now` or `size`, most of it a multiple of eight.
#[must_use]
pub fn value(class: u8, raw: u32, now: u32, size: u32) -> u32 {
    let little = (raw & 0xff) as u8;
    let steps = u32::from(little).wrapping_sub(128).wrapping_mul(8);
    match class % 8 {
        0 => raw,
        1 => EDGES[raw as usize % EDGES.len()],
        2 => now.wrapping_add(steps),
        3 => now.wrapping_add(size).wrapping_add(steps),
        4 => now.wrapping_sub(size).wrapping_add(steps),
        5 => now ^ (1 << (raw % 32)),
        6 => now.wrapping_add(u32::from(little)).wrapping_sub(128),
        _ => ((raw % 8) << 28) | ((raw >> 3) % (2 * size.max(1))),
    }
}
