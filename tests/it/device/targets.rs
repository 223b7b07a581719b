//! The devices of `tests/dist/targets`: each program is for the processor that its packages name,
//! as its own ELF header says.

use super::{have, run};
use std::path::Path;
use std::process::Command;

/// The table that `make dist` and `make packages` read.
const TARGETS: &str = include_str!("../../dist/targets");

/// A device, Debian's name of its architecture, how OpenWrt's names of it begin, and what
/// `readelf` says about a program for it.
#[rustfmt::skip]
const DEVICES: [(&str, &str, &str, &[&str]); 8] = [
    ("x86_64", "amd64", "x86_64", &["ELF64", "little endian", "X86-64"]),
    ("aarch64", "arm64", "aarch64_", &["ELF64", "little endian", "AArch64"]),
    ("armv7", "-", "arm_cortex-a", &["ELF32", "hard-float ABI", "Tag_CPU_arch: v7"]),
    // The oldest Raspberry Pi is an ARMv6, and its system calls that armhf as well.
    ("armv6", "armhf", "arm_", &["ELF32", "hard-float ABI", "Tag_CPU_arch: v6"]),
    ("mipsel", "-", "mipsel_", &["ELF32", "little endian", "o32, mips32r2", "Soft float"]),
    ("mips", "-", "mips_", &["ELF32", "big endian", "o32, mips32r2", "Soft float"]),
    ("riscv64", "riscv64", "riscv64_", &["ELF64", "RISC-V", "double-float ABI"]),
    ("i686", "i386", "i386_", &["ELF32", "little endian", "Intel 80386"]),
];

/// The table's rows: name, triple, flags, qemu, OpenWrt's names, Debian's.
fn rows() -> Vec<Vec<&'static str>> {
    let lines = TARGETS.lines().filter(|line| !line.starts_with('#'));
    lines
        .map(|line| line.split_whitespace().collect())
        .collect()
}

#[test]
fn packages_name_the_processor_that_the_program_is_for() {
    let rows = rows();
    assert_eq!(rows.len(), DEVICES.len(), "a device has no line here");
    for (row, (name, debian, openwrt, _)) in rows.iter().zip(DEVICES) {
        assert_eq!((row[0], row[5]), (name, debian));
        for arch in row[4].split(',') {
            assert!(arch.starts_with(openwrt), "{name} for {arch}");
        }
    }
}

/// What `make dist` left in the target folder; without a program its device is skipped.
#[test]
fn programs_are_for_the_processor_that_they_should_be() {
    let folder = Path::new(super::PROGRAM).ancestors().nth(2).unwrap();
    for (name, _, _, wanted) in DEVICES {
        let program = folder.join("dist").join(name).join("restic-123pan");
        if !program.exists() {
            eprintln!("SKIPPED: there is no program for {name}; `make dist` builds it");
        } else if have("readelf") {
            let said = run(Command::new("readelf").args(["-h", "-A"]).arg(program));
            for word in wanted {
                assert!(said.contains(word), "{name} isn't {word}:\n{said}");
            }
        }
    }
}
