import { ProviderError } from '@re-ops/protocols'
import { Type, type Static } from 'typebox'
import { endpointPattern } from '../endpoint.ts'

/** Of an account at EC2. */
export const Ec2Settings = Type.Object(
  {
    endpoint: Type.Optional(
      Type.String({ pattern: endpointPattern, description: 'instead of AWS: an EC2-compatible server' }),
    ),
    subnets: Type.Optional(
      Type.Record(Type.String({ pattern: '^[a-z0-9-]+$' }), Type.String({ pattern: '^subnet-' }), {
        description: 'zone -> subnet; machines are made in these zones alone',
      }),
    ),
    vpc: Type.Optional(
      Type.String({ pattern: '^vpc-', description: 'where firewalls are made: that of the subnets; the default VPC' }),
    ),
    securityGroups: Type.Optional(Type.Array(Type.String({ pattern: '^sg-' }), { maxItems: 16 })),
    keyName: Type.Optional(Type.String({ maxLength: 255, description: 'a key pair of EC2' })),
    instanceProfile: Type.Optional(Type.String({ maxLength: 255, description: 'name of an IAM instance profile' })),
    rootDevice: Type.Optional(Type.String({ pattern: '^/dev/', description: 'of images given by id; /dev/xvda' })),
  },
  { additionalProperties: false },
)
export type Ec2Settings = Static<typeof Ec2Settings>

export type Ec2Credentials = { accessKeyId: string; secretAccessKey: string; sessionToken?: string }

const form = 'the secret of an EC2 account is ACCESS_KEY_ID:SECRET_ACCESS_KEY or ...:SESSION_TOKEN, in one line'
/** Null (no secret): whatever the SDK finds by itself, as the role of the instance that re-core runs on. */
export const credentialsOf = (secret: string | null): Ec2Credentials | null => {
  if (secret === null) return null
  const [accessKeyId, secretAccessKey, ...rest] = secret.trim().split(':')
  if (!accessKeyId || !secretAccessKey || !/^[A-Za-z0-9_]{4,128}$/.test(accessKeyId))
    throw new ProviderError('invalid', 'not-applied', form)
  return { accessKeyId, secretAccessKey, ...(rest.length > 0 ? { sessionToken: rest.join(':') } : {}) }
}
