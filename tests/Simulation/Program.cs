using System.CommandLine;
using ReadStateStream.Simulation;

var seeds = new Option<int>("--seeds") { Description = "How many seeds to run.", DefaultValueFactory = static _ => 200 };
var from = new Option<int>("--from") { Description = "The first of them.", DefaultValueFactory = static _ => 1 };
var workers = new Option<int>("--workers") { Description = "Seeds at once.", DefaultValueFactory = static _ => Environment.ProcessorCount };
var events = new Option<int>("--events") { Description = "Events of a seed, at least.", DefaultValueFactory = static _ => 2_000 };
var seed = new Option<int?>("--seed") { Description = "Runs this one seed." };
var trace = new Option<string?>("--trace") { Description = "With --seed: writes what happened to this file." };
var full = new Option<bool>("--full") { Description = "Also fails where a count is below what a full run must reach." };
var untilFailure = new Option<bool>("--until-failure") { Description = "Begins no further seed once one has failed." };
var root = new RootCommand("Deterministic simulation of the partition: log, checkpoints, ships, recoveries, faults.")
{
    seeds, from, workers, events, seed, trace, full, untilFailure,
};
root.SetAction(parsed => parsed.GetValue(seed) is { } one
    ? SimulationRun.One(one, parsed.GetValue(events), parsed.GetValue(trace))
    : SimulationRun.Many(parsed.GetValue(from), parsed.GetValue(seeds), parsed.GetValue(workers), parsed.GetValue(events), parsed.GetValue(full), parsed.GetValue(untilFailure)));
return root.Parse(args).Invoke();
