// What the commands for round trips share: their modes, their arguments, how they run a mode and what they
// print.
#pragma once

#include "round-trip.h"

/// Starts the consumer, whose pid it returns, and is the producer.
typedef pid_t run_function(const settings *, results *);

/// The modes of a command are an array that ends with one without a name.
typedef struct {
  const char *name;
  bool blocks, spins;
  run_function *run;
} mode;

static const mode *mode_named(const mode *modes, const char *name) {
  for (; modes->name != NULL; modes++)
    if (strcmp(modes->name, name) == 0) return modes;
  return NULL;
}

static settings parse(const mode *modes, int argument_count, char **arguments) {
  char usage[128];
  snprintf(
      usage, sizeof usage, "usage: %s MODE WAIT BYTES DURATION_MS CPUS", program_invocation_short_name);
  errno = 0;
  require(argument_count == 6, usage);
  settings settings = {
      .mode = arguments[1],
      .wait = arguments[2],
      .spins = strcmp(arguments[2], "spin") == 0,
      .byte_count = parse_byte_count(arguments[3]),
      .milliseconds = atof(arguments[4]),
      .cpus = parse_cpus(arguments[5]),
  };
  const mode *mode = mode_named(modes, settings.mode);
  require(mode != NULL, "This mode is not known.");
  bool blocks = strcmp(settings.wait, "block") == 0;
  bool waits_so = (settings.spins && mode->spins) || (blocks && mode->blocks);
  require(waits_so, "This mode does not wait in this way.");
  require(settings.milliseconds > 0, "The duration is a number of milliseconds.");
  return settings;
}

/// Ends the consumer, which knows no end of its own, unless it has ended before: then it had a reason.
static void stop(pid_t child) {
  int status;
  errno = 0;
  require(waitpid(child, &status, WNOHANG) == 0, "The consumer ended before its time.");
  kill(child, SIGKILL);
  waitpid(child, &status, 0);
}

/// Runs the mode that the settings name, from its set-up to the consumer's end.
static void measure(const mode *modes, settings *settings, results *results) {
  settings->nanoseconds_per_tick = calibrate_clock();
  // A consumer that failed leaves a spinning producer behind; nothing here may outlive its purpose.
  alarm((unsigned)(settings->milliseconds * 3 / 1000) + 10);
  pid_t child = mode_named(modes, settings->mode)->run(settings, results);
  stop(child);
}

static void print_results(const settings *settings, const results *results) {
  sample_summary summary = summarise(results->samples, settings->nanoseconds_per_tick);
  printf(
      "{\"name\": \"%s\", \"wait\": \"%s\", \"bytes\": %zu, \"samples\": %zu, \"p50_ns\": %.2f, "
      "\"midmean_ns\": %.2f, \"mean_ns\": %.2f, \"cpu_ns\": %.2f, \"clock_read_ns\": %.2f}\n",
      settings->mode, settings->wait, settings->byte_count, results->samples.count, summary.p50,
      summary.midmean, results->batch_mean > 0 ? results->batch_mean : summary.mean,
      cpu_nanoseconds_per_round_trip, clock_read_cost(settings->nanoseconds_per_tick));
}

/// All of a command whose every mode takes samples.
static inline int run_command(const mode *modes, int argument_count, char **arguments) {
  settings settings = parse(modes, argument_count, arguments);
  results results = {.samples = make_samples()};
  measure(modes, &settings, &results);
  print_results(&settings, &results);
  return 0;
}
