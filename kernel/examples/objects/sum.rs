// The sum of numbers that lie in a mapping: symbol("sum").as_func("q(QQ)")(mapping.start_address.value, 512).
#![no_std]

#[no_mangle]
pub extern "C" fn sum(numbers: *const i64, count: usize) -> i64 {
    let numbers = unsafe { core::slice::from_raw_parts(numbers, count) };
    numbers.iter().fold(0, |sum, number| sum.wrapping_add(*number))
}
