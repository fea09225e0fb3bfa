module.exports = {
  apps: [
    {
      name: 'service',
      script: './server.ts',
      interpreter: 'node',
      exec_mode: 'cluster',
      instances: 2,
      kill_timeout: 4000,
      wait_ready: true,
    },
  ],
};
