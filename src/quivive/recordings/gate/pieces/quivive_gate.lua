-- Quivive: a FreeSWITCH script that asks before it records. Needs mod_lua and mod_curl.
--
--   <action application="set" data="quivive_agent=4105"/>
--   <action application="set" data="quivive_queue=assistance"/>
--   <action application="set" data="quivive_announced=v3"/>
--   <action application="lua" data="quivive_gate.lua may_record"/>
--
-- Ask paths: may_record, may_listen, payment_step (quivive_step=begin|end), private_call, objection. It sets the channel
-- variables quivive (allow or deny), quivive_reason, quivive_answer, and starts or stops record_session by itself for
-- may_record, payment_step, private_call and objection. Address and token are global variables of vars.xml:
--   <X-PRE-PROCESS cmd="set" data="quivive_gate=http://127.0.0.1:8790"/>
--   <X-PRE-PROCESS cmd="set" data="quivive_token=..."/>
-- Whatever goes wrong is a no. mod_curl writes its command into the debug log: keep that log off, it names the agent.

local api = freeswitch.API()

local function encoded(text)
  return (tostring(text or ""):gsub("[^%w%-%._~]", function(c) return string.format("%%%02X", string.byte(c)) end))
end

local function variable(name)
  return session:getVariable(name) or ""
end

local path = argv[1] or "may_record"
local call = variable("quivive_call")
if call == "" then call = variable("uuid") end
local body = "agent=" .. encoded(variable("quivive_agent")) .. "&queue=" .. encoded(variable("quivive_queue"))
  .. "&announced=" .. encoded(variable("quivive_announced")) .. "&call=" .. encoded(call)
if path == "may_listen" then body = body .. "&listener=" .. encoded(variable("quivive_listener")) end
if path == "payment_step" then body = body .. "&step=" .. encoded(variable("quivive_step")) end
if path == "objection" then body = body .. "&channel=key" end

local gate = api:executeString("global_getvar quivive_gate") or ""
local token = api:executeString("global_getvar quivive_token") or ""
local answer = api:executeString("curl " .. gate .. "/" .. path .. " timeout 1 connect-timeout 1 append_headers "
  .. "Authorization:Bearer%20" .. token .. " content-type application/x-www-form-urlencoded post " .. body) or ""

local allowed, reason, id = answer:match("^(%a+)\n([%w_]+)\n(%x*)")
if allowed ~= "allow" then allowed = "deny" end
session:setVariable("quivive", allowed)
session:setVariable("quivive_reason", reason or "gate_unreachable")
session:setVariable("quivive_answer", id or "")

local folder = variable("recordings_dir")
if folder == "" then folder = api:executeString("global_getvar recordings_dir") or "/tmp" end
local file = variable("quivive_file")
if path ~= "may_listen" then
  if allowed == "allow" and file == "" then
    file = folder .. "/" .. id .. ".wav"
    session:setVariable("quivive_file", file)
    session:execute("record_session", file)
  elseif allowed == "allow" then
    api:executeString("uuid_record " .. variable("uuid") .. " unmask " .. file)
  elseif file ~= "" and path == "payment_step" then
    api:executeString("uuid_record " .. variable("uuid") .. " mask " .. file)
  elseif file ~= "" then
    session:execute("stop_record_session", file)
  end
end
