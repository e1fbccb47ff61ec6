# Holds perq's answers and bounds on generated plans against HiGHS (pip install highspy==1.15.1). Not part of any test run.
#   cargo build --release -p perq-optimizer --example programme
#   python optimizer/examples/highs.py target/release/examples/programme [SECONDS]
import subprocess, sys, tempfile, time
import highspy

seconds = float(sys.argv[2]) if len(sys.argv) > 2 else 120
plans = [(2000 + 8000 * at // 19, 100 + at) for at in range(20)]
print("proposals seed | perq: answer, bound, gap %, s | HiGHS: answer, bound, gap %, s, columns | perq's answer below HiGHS's bound %")
faults = 0
for proposals, seed in plans:
    with tempfile.NamedTemporaryFile(suffix=".mps") as file:
        line = subprocess.run([sys.argv[1], str(proposals), str(seed), file.name], check=True, capture_output=True, text=True)
        contacts, objective, bound, took = line.stdout.split()  # the last is processor time
        objective, bound = int(objective), int(bound)
        highs = highspy.Highs()
        highs.setOptionValue("output_flag", False)
        highs.setOptionValue("threads", 1)
        highs.setOptionValue("time_limit", seconds)
        highs.setOptionValue("mip_rel_gap", 0.0)
        highs.readModel(file.name)
        begun = time.process_time()
        highs.run()
        spent = time.process_time() - begun
        info = highs.getInfo()
        best, most = info.objective_function_value, info.mip_dual_bound
        if highs.getInfoValue("primal_solution_status")[1] != 2 or not abs(most) < 1e29:
            print(f"{contacts} {seed} | {objective} {bound} | HiGHS has no answer in its time", flush=True)
            continue
        # HiGHS counts in floating point: a millionth is left to it.
        room = 1e-6 * abs(best)
        sound = objective <= most + room and bound >= best - room
        faults += not sound
        gap = lambda low, high: f"{(high - low) / abs(high) * 100:.5f}"
        print(f"{contacts} {seed} | {objective} {bound} {gap(objective, bound)} {took} | {best:.0f} {most:.0f} {gap(best, most)} "
              f"{spent:.1f} {highs.getNumCol()} | {gap(objective, most)} {'' if sound else 'WRONG'}", flush=True)
print("wrong:", faults)
sys.exit(faults > 0)
