/* Numbers of exceptions and interrupts, for assembler and C. Intel SDM volume 3, "Exception and Interrupt Vectors". */
#ifndef CLEW_PORT_FAULTS_VECTORS_H
#define CLEW_PORT_FAULTS_VECTORS_H

#define VECTOR_DIVIDE               0
#define VECTOR_DEBUG                1
#define VECTOR_NON_MASKABLE         2
#define VECTOR_BREAKPOINT           3
#define VECTOR_OVERFLOW             4
#define VECTOR_BOUND                5
#define VECTOR_INVALID_OPCODE       6
#define VECTOR_NO_DEVICE            7
#define VECTOR_DOUBLE_FAULT         8
#define VECTOR_INVALID_TSS          10
#define VECTOR_SEGMENT              11
#define VECTOR_STACK                12
#define VECTOR_GENERAL_PROTECTION   13
#define VECTOR_PAGE_FAULT           14
#define VECTOR_FLOAT                16
#define VECTOR_ALIGNMENT            17
#define VECTOR_MACHINE_CHECK        18
#define VECTOR_SIMD                 19
#define VECTOR_CONTROL_PROTECTION   21
#define EXCEPTIONS                  32      /* the numbers that are kept for them */

/* Where our interrupt controllers' lines begin. */
#define VECTOR_INTERRUPTS           32
#define VECTOR_TIMER                32
#define VECTOR_SERIAL               36
#define VECTOR_PIC_SPURIOUS         39
#define VECTOR_APIC_SPURIOUS        47
#define VECTOR_DEVICES              48      /* from here on: the local APIC's, handed out by kernel/devices/interrupts.py */
#define VECTORS                     64      /* that have a stub */

/* Does the processor push an error code? (For the assembler.) */
#define HAS_ERROR_CODE(v) (((v) == VECTOR_DOUBLE_FAULT) || (((v) >= VECTOR_INVALID_TSS) && ((v) <= VECTOR_PAGE_FAULT)) || \
    ((v) == VECTOR_ALIGNMENT) || ((v) == VECTOR_CONTROL_PROTECTION))

/* A page fault's error code. */
#define CODE_PROTECTION             1       /* else: an entry was not present */
#define CODE_WRITE                  2
#define CODE_USER                   4
#define CODE_RESERVED               8
#define CODE_FETCH                  16
#define CODE_KEY                    32

#endif
