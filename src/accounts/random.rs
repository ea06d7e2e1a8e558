//! Random bytes of the operating system.

/// So many of them.
#[expect(
    clippy::expect_used,
    reason = "without random numbers no secret may be made, and nothing encrypted"
)]
pub fn random_bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the operating system has random numbers");
    bytes
}
