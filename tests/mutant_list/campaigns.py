"""Small faults in what runs campaigns: the sum, what workers start, known differences, random faults."""

CAMPAIGN = "tools/campaign.py"
SELF = "tests/self/test_campaign.py"
KNOWN = "tests/tools/test_any_machine.py"

MUTANTS = [
    (
        "a sum has its results in the order in which they came",
        CAMPAIGN,
        "        self.results.sort(key=lambda result: place[result.job.name])\n",
        "",
        f"{SELF}::test_the_sum_as_json_and_junit_and_a_line_with_the_command_for_each_disagreement",
    ),
    (
        "a campaign whose jobs have not all answered is a success",
        CAMPAIGN,
        " or len(self.results) < len(self.jobs) else 0",
        " else 0",
        f"{SELF}::test_the_sum_as_json_and_junit_and_a_line_with_the_command_for_each_disagreement",
    ),
    (
        "a worker with other files does jobs all the same",
        CAMPAIGN,
        " or digest_of(home, needs) != digest:",
        ":",
        f"{SELF}::test_a_worker_with_other_files_refuses",
    ),
    (
        "what a command has left behind goes on",
        "tools/together.py",
        "    end()\n    sys.exit",
        "    sys.exit",
        f"{SELF}::test_a_command_ends_with_all_that_it_started",
    ),
    (
        "what jobs have started outlives a worker that dies",
        "tools/together.py",
        '("setpriv", "--pdeathsig", "TERM", sys.executable, __file__)',
        "(sys.executable, __file__)",
        f"{SELF}::test_a_worker_that_dies_costs_its_job_a_retry_and_nothing_else",
    ),
    (
        "one word of a known difference is enough to excuse",
        "tests/matrix/known_differences.py",
        "            if all(said",
        "            if any(said",
        f"{KNOWN}::test_a_known_difference_is_found_by_its_words_and_no_other",
    ),
    (
        "the matrix asks a CPU for what it lacks",
        "tests/matrix/jobs.py",
        "for name in sorted(without) if",
        "for name in () if",
        f"{KNOWN}::test_what_the_cpu_lacks_is_left_out_and_counted",
    ),
    (
        "random faults are put into inline assembler, too",
        "tools/mutations_c.py",
        "        body = without_assembler(body)\n",
        "",
        "tests/self/test_mutations.py::test_the_faults_of_a_c_source_are_inside_of_functions_and_no_declarations",
    ),
]
