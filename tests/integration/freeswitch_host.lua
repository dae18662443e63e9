-- What FreeSWITCH gives to a script, in the little that the piece uses: variables, and its `curl` command by the curl program.
local variables = { quivive_agent = os.getenv("AGENT"), quivive_queue = "", quivive_announced = os.getenv("ANNOUNCED"), uuid = os.getenv("UUID"),
  quivive_step = os.getenv("STEP"), quivive_file = os.getenv("FILE"), recordings_dir = "/rec" }
session = {}
function session:getVariable(name) return variables[name] end
function session:setVariable(name, value) print("set " .. name .. "=" .. tostring(value)) end
function session:execute(name, data) print("execute " .. name .. " " .. tostring(data)) end
freeswitch = {}
function freeswitch.API()
  local api = {}
  function api:executeString(command)
    local name = command:match("^global_getvar (%S+)$")
    if name then return os.getenv(name:upper()) or "" end
    local url, header, body = command:match("^curl (%S+) timeout 1 connect%-timeout 1 append_headers (%S+) content%-type %S+ post (%S*)$")
    if not url then print("api " .. command) return "+OK" end
    header = header:gsub("%%20", " ")
    local pipe = io.popen(string.format("curl -s -m 5 -H '%s' --data '%s' '%s'", header, body, url))
    local answer = pipe:read("a")
    pipe:close()
    return answer
  end
  return api
end
argv = arg
dofile(os.getenv("PIECE"))
