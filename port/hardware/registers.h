/*
 * The bits of the processor's registers, for assembler and C. Intel SDM volume 3, "Control Registers" and "IA32_EFER";
 * RFLAGS: volume 1, "EFLAGS Register". Functions that read and write the registers: instructions.h.
 */
#ifndef CLEW_PORT_HARDWARE_REGISTERS_H
#define CLEW_PORT_HARDWARE_REGISTERS_H

#include "boot/layout.h"

#define CR0_PE          (UL(1) << 0)
#define CR0_MP          (UL(1) << 1)
#define CR0_EM          (UL(1) << 2)
#define CR0_TS          (UL(1) << 3)
#define CR0_ET          (UL(1) << 4)
#define CR0_NE          (UL(1) << 5)
#define CR0_WP          (UL(1) << 16)
#define CR0_AM          (UL(1) << 18)
#define CR0_NW          (UL(1) << 29)
#define CR0_CD          (UL(1) << 30)
#define CR0_PG          (UL(1) << 31)
#define CR0_DEFINED     (CR0_PE | CR0_MP | CR0_EM | CR0_TS | CR0_ET | CR0_NE | CR0_WP | CR0_AM | CR0_NW | CR0_CD | CR0_PG)

#define CR3_PWT         (UL(1) << 3)
#define CR3_PCD         (UL(1) << 4)
#define CR3_LOW_BITS    UL(0xfff)       /* flags, or a PCID; the root's address is above */

#define CR4_PAE         (UL(1) << 5)
#define CR4_PGE         (UL(1) << 7)
#define CR4_OSFXSR      (UL(1) << 9)
#define CR4_OSXMMEXCPT  (UL(1) << 10)
#define CR4_UMIP        (UL(1) << 11)
#define CR4_LA57        (UL(1) << 12)
#define CR4_FSGSBASE    (UL(1) << 16)
#define CR4_PCIDE       (UL(1) << 17)
#define CR4_OSXSAVE     (UL(1) << 18)
#define CR4_SMEP        (UL(1) << 20)
#define CR4_SMAP        (UL(1) << 21)
#define CR4_PKE         (UL(1) << 22)
#define CR4_PKS         (UL(1) << 24)
#define CR4_ALWAYS      UL(0x7ff)       /* VME to OSXMMEXCPT: in every CPU with long mode */

#define MSR_EFER        0xc0000080
#define MSR_GS_BASE     0xc0000101
#define MSR_PKRS        0x6e1           /* two bits a key: no access, no write */
#define EFER_LME        (UL(1) << 8)
#define EFER_NXE        (UL(1) << 11)

#define FLAGS_TRAP      (UL(1) << 8)
#define FLAGS_INTERRUPT (UL(1) << 9)
#define FLAGS_DIRECTION (UL(1) << 10)
#define FLAGS_AC        (UL(1) << 18)
#define FLAGS_ID        (UL(1) << 21)

#endif
